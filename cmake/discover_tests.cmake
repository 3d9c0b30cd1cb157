# Lists the test cases of a Catch2 program and writes one add_test for each. Run by ctest just before the tests, so
# that a build does not pay for starting programs under a sanitizer. Own code instead of Catch2's: that of 2.13 does not
# protect backslashes and semicolons, and a name that then matches nothing counts as passed.
#
# In: PROGRAM, WORKING_FOLDER, PREFIX, LABELS, TIMEOUT, CATCH_V3. Out: the file OUTPUT.

function(add_quoted_command name)
  set(line "${name}(")
  foreach(index RANGE 1 ${ARGC})
    if(index LESS ARGC)
      string(APPEND line " [==[${ARGV${index}}]==]")
    endif()
  endforeach()
  set(script "${script}${line})\n" PARENT_SCOPE)
endfunction()

function(list_test_names out)
  if(CATCH_V3)
    set(flags --list-tests --verbosity quiet)
  else()
    set(flags --list-test-names-only)
  endif()
  execute_process(COMMAND "${PROGRAM}" ${flags}
    OUTPUT_VARIABLE output ERROR_VARIABLE error RESULT_VARIABLE result WORKING_DIRECTORY "${WORKING_FOLDER}")
  # Catch2 v2 returns the number of test cases here, v3 zero; a crash is a word or a negative number. Sanitizers end
  # a program with 1, 23 or 66, so a complaint on stderr counts too.
  if(NOT result MATCHES "^[0-9]+$" OR NOT error STREQUAL "" OR output STREQUAL "")
    message(FATAL_ERROR "${PROGRAM} ${flags}: no list of tests (${result})\n${output}${error}")
  endif()
  set(${out} "${output}" PARENT_SCOPE)
endfunction()

list_test_names(rest)
set(script "")
if(CATCH_V3)
  set(no_match_fails --warn UnmatchedTestSpec)
else()
  set(no_match_fails --warn NoTests)
endif()

# A name is never put into a CMake list: `;` and brackets would split or join elements.
while(rest MATCHES "\n")
  string(FIND "${rest}" "\n" end)
  string(SUBSTRING "${rest}" 0 ${end} name)
  math(EXPR end "${end} + 1")
  string(SUBSTRING "${rest}" ${end} -1 rest)
  string(STRIP "${name}" name)
  if(name STREQUAL "")
    continue()
  endif()
  string(REGEX REPLACE "^\"(#.*)\"$" "\\1" name "${name}")  # v2 quotes names that begin with #
  string(REPLACE "\\" "\\\\" spec "${name}")
  foreach(character "," "[" "\"")
    string(REPLACE "${character}" "\\${character}" spec "${spec}")
  endforeach()
  string(REGEX REPLACE "^([-~])" "\\\\\\1" spec "${spec}")  # neither an option nor "all but this"
  add_quoted_command(add_test "${PREFIX}${name}" "${PROGRAM}" "${spec}" ${no_match_fails})
  add_quoted_command(set_tests_properties "${PREFIX}${name}" PROPERTIES WORKING_DIRECTORY "${WORKING_FOLDER}"
    TIMEOUT "${TIMEOUT}" LABELS "${LABELS}")
endwhile()
file(WRITE "${OUTPUT}" "${script}")
