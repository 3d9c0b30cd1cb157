# Warnings and sanitizers for every target of tidegate.
add_library(tidegate_options INTERFACE)
target_include_directories(tidegate_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(tidegate_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
if(TIDEGATE_SANITIZE)
  set(sanitizers -fsanitize=${TIDEGATE_SANITIZE})
  if(TIDEGATE_SANITIZE MATCHES "undefined")
    # Its vptr check opens a pipe to see whether an object it does not know yet can be read, so that without descriptors
    # each of them looks wrong to it; and a test takes all descriptors. What it finds besides the address sanitizer is a
    # wrong static downcast, and there are none in the tree.
    list(APPEND sanitizers -fno-sanitize=vptr)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      # Clang 14 cannot assemble what it puts before a coroutine for the check of function pointers.
      list(APPEND sanitizers -fno-sanitize=function)
    endif()
  endif()
  target_compile_options(tidegate_options INTERFACE
    ${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With instrumentation gcc sees reads of uninitialised values where there are none, in <regex> for one (its bug
    # 105562). The uninstrumented build keeps the warning.
    target_compile_options(tidegate_options INTERFACE -Wno-maybe-uninitialized)
    if(TIDEGATE_SANITIZE STREQUAL "thread")
      # Asio uses fences, which gcc's thread sanitizer does not follow and warns of. What its threads share goes over
      # mutexes besides.
      target_compile_options(tidegate_options INTERFACE -Wno-tsan)
    endif()
  endif()
  target_link_options(tidegate_options INTERFACE -fsanitize=${TIDEGATE_SANITIZE})
endif()

# One static library per folder: `tidegate_library(name SOURCES... LINK libs...)`.
# Has the compiler read the sources of a folder together, a dozen at a time: most of its time goes to what they include.
# For builds that are made anew rather than edited under. No two of a folder define one name differently, which the run
# of clang-tidy sees to, since it reads them so too.
function(tidegate_unite target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # takes the sources for headers
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_filename_component(folder ${source} DIRECTORY)
    list(APPEND "of_${folder}" ${source})
    list(LENGTH "of_${folder}" count)
    math(EXPR dozen "${count} / 12")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP "${folder}_${dozen}")
  endforeach()
endfunction()

function(tidegate_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(tidegate_${name} STATIC ${ARG_SOURCES})
  if(TIDEGATE_SANITIZE)
    tidegate_unite(tidegate_${name})
  endif()
  target_link_libraries(tidegate_${name} PUBLIC tidegate_options ${ARG_LINK})
endfunction()
