# What every target of ours is compiled with.
add_library(florin_options INTERFACE)
target_compile_options(florin_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Werror -fno-omit-frame-pointer)
target_compile_definitions(florin_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ALL_NO_LIB)
target_include_directories(florin_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(florin_options INTERFACE Threads::Threads)

add_link_options(-fuse-ld=lld-19)
if(FLORIN_SANITIZE)
  add_compile_options(-fsanitize=${FLORIN_SANITIZE} -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${FLORIN_SANITIZE})
endif()
if(FLORIN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# florin_module(name SOURCES … [TESTS …] [TEST_USES …] [FUZZERS …] [USES …] [STORES]): one folder, one static library
# florin_<name>, one test binary <name>_test. With STORES its tests open their databases through store::TestDatabase and
# run twice: over SQLite, and as <name>_mariadb over MariaDB. Each fuzzer is one *_fuzz.cc beside its parser: under
# FLORIN_FUZZ it becomes a libFuzzer binary, otherwise a plain test that replays fuzz/<fuzzer>/*.
function(florin_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "STORES" "" "SOURCES;TESTS;FUZZERS;USES;TEST_USES")
  add_library(florin_${name} STATIC ${arg_SOURCES})
  target_link_libraries(florin_${name} PUBLIC florin_options ${arg_USES})
  if(FLORIN_TESTS AND arg_TESTS)
    add_executable(${name}_test ${arg_TESTS})
    target_link_libraries(${name}_test PRIVATE florin_${name} ${arg_TEST_USES} GTest::gtest_main)
    # Tests are compiled for each change and run for moments; what they test is optimised all the same.
    target_compile_options(${name}_test PRIVATE -O0)
    # EXPAND-free names and a deadline per binary: a test that hangs is a failure, not a wait.
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS unit)
    if(arg_STORES)
      target_link_libraries(${name}_test PRIVATE florin_test_database)
      add_test(NAME ${name}_mariadb COMMAND ${name}_test WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
      set_tests_properties(${name}_mariadb PROPERTIES TIMEOUT 600 LABELS unit ENVIRONMENT FLORIN_TEST_STORE=mariadb)
    endif()
  endif()
  foreach(source ${arg_FUZZERS})
    get_filename_component(fuzzer ${source} NAME_WE)
    if(FLORIN_FUZZ)
      add_executable(${fuzzer} ${source})
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${fuzzer} PRIVATE florin_${name})
    elseif(FLORIN_TESTS)
      add_executable(${fuzzer}_corpus ${source} ${PROJECT_SOURCE_DIR}/fuzz/replay.cc)
      target_link_libraries(${fuzzer}_corpus PRIVATE florin_${name})
      add_test(NAME ${fuzzer}_corpus COMMAND ${fuzzer}_corpus ${PROJECT_SOURCE_DIR}/fuzz/${fuzzer})
      set_tests_properties(${fuzzer}_corpus PROPERTIES TIMEOUT 120 LABELS unit)
    endif()
  endforeach()
endfunction()
