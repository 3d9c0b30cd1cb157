# Third-party libraries that are header-only in Debian but worth compiling once.

# Asio and Beast, compiled once instead of into every file (BOOST_ASIO_SEPARATE_COMPILATION). Used by the control
# thread and the tools; workers run on wire/net.
add_library(tidegate_asio STATIC ${PROJECT_SOURCE_DIR}/cmake/asio_impl.cpp)
target_compile_definitions(tidegate_asio PUBLIC
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(tidegate_asio PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
target_compile_options(tidegate_asio PRIVATE ${sanitizers})

# Boost.JSON likewise.
add_library(tidegate_json STATIC ${PROJECT_SOURCE_DIR}/cmake/json_impl.cpp)
target_link_libraries(tidegate_json PUBLIC Boost::headers)
target_compile_options(tidegate_json PRIVATE ${sanitizers})

# Catch2 is v2 on Debian 12 and v3 elsewhere; tests include "tests/support/catch.hpp".
if(TIDEGATE_TESTS)
  find_package(Catch2 REQUIRED)
  add_library(tidegate_catch STATIC ${PROJECT_SOURCE_DIR}/tests/support/catch_main.cpp)
  if(Catch2_VERSION VERSION_GREATER_EQUAL 3)
    target_compile_definitions(tidegate_catch PUBLIC TIDEGATE_CATCH_V3)
    target_link_libraries(tidegate_catch PUBLIC Catch2::Catch2)
  else()
    target_link_libraries(tidegate_catch PUBLIC Catch2::Catch2)
  endif()
  target_link_libraries(tidegate_catch PUBLIC tidegate_options)
endif()
