# How tests are made known to ctest. Labels: `unit` (the default), `integration` (sockets, several parts), `threads`
# (run under the thread sanitizer too), `e2e` (the built programs, release only), `style` and `lint` (the source text).

add_custom_target(tidegate_tests)          # every Catch2 program
add_custom_target(tidegate_threads_tests)  # those labelled `threads`

# `tidegate_test(name SOURCES ... LINK ... [LABELS ...] [TIMEOUT seconds])`: one test program, named name_tests; each of
# its test cases becomes a ctest test called `name: test case`.
function(tidegate_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(target ${name}_tests)
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE tidegate_catch tidegate_options ${ARG_LINK})
  add_dependencies(tidegate_tests ${target})
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(tidegate_threads_tests ${target})
  endif()

  set(list "${CMAKE_CURRENT_BINARY_DIR}/${target}_list.cmake")
  set(catch_v3 OFF)
  if(Catch2_VERSION VERSION_GREATER_EQUAL 3)
    set(catch_v3 ON)
  endif()
  set(discovery "${CMAKE_CURRENT_BINARY_DIR}/${target}_discovery.cmake")
  file(GENERATE OUTPUT "${discovery}" CONTENT "\
if(NOT EXISTS [==[$<TARGET_FILE:${target}>]==])
  add_test([==[${name}: not built]==] [==[${target}-was-not-built]==])
  set_tests_properties([==[${name}: not built]==] PROPERTIES LABELS [==[${ARG_LABELS}]==])
  return()
endif()
foreach(source [==[$<TARGET_FILE:${target}>]==] [==[${PROJECT_SOURCE_DIR}/cmake/discover_tests.cmake]==]
        [==[${discovery}]==])
  if(NOT EXISTS [==[${list}]==] OR \"\${source}\" IS_NEWER_THAN [==[${list}]==])
    set(PROGRAM [==[$<TARGET_FILE:${target}>]==])
    set(WORKING_FOLDER [==[${CMAKE_CURRENT_BINARY_DIR}]==])
    set(PREFIX [==[${name}: ]==])
    set(LABELS [==[${ARG_LABELS}]==])
    set(TIMEOUT ${ARG_TIMEOUT})
    set(CATCH_V3 ${catch_v3})
    set(OUTPUT [==[${list}]==])
    include([==[${PROJECT_SOURCE_DIR}/cmake/discover_tests.cmake]==])
  endif()
endforeach()
include([==[${list}]==])
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${discovery}")
endfunction()

# `tidegate_program_test(name COMMAND ... [LABELS ...] [TIMEOUT seconds])`: a test that is a program or script. Exit
# status 77 means skipped, with the reason in its output. The built programs are named in its environment. Tests
# labelled e2e and lint run one at a time: they measure the machine or use all of it.
function(tidegate_program_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS e2e)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  set(environment "TIDEGATE_SOURCE=${PROJECT_SOURCE_DIR}" "TIDEGATE_BUILD=${PROJECT_BINARY_DIR}")
  foreach(program tidegate socket-pod tidegate-prove)
    if(TARGET ${program})
      string(TOUPPER "${program}" variable)
      string(REPLACE "-" "_" variable "${variable}_PROGRAM")
      list(APPEND environment "${variable}=$<TARGET_FILE:${program}>")
    endif()
  endforeach()
  add_test(NAME "${name}" COMMAND ${ARG_COMMAND})
  set_tests_properties("${name}" PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "${environment}")
  if("e2e" IN_LIST ARG_LABELS OR "lint" IN_LIST ARG_LABELS)
    set_tests_properties("${name}" PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()
