# SPDX-License-Identifier: Apache-2.0
# Compiler settings, and the two helpers that every folder uses: carat_library and carat_test.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CARAT_CCACHE ccache)
if(CARAT_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CARAT_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(GTest REQUIRED)
include(cmake/static_libraries.cmake)

# What every source file is compiled with. No contraction: declared arithmetic is executed arithmetic.
add_library(carat_flags INTERFACE)
target_compile_options(carat_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Werror -Wshadow -ffp-contract=off -march=${CARAT_ARCH}>
  # GCC 12 warns of overlap inside std::string (GCC bug 105651), and of members that designated initialisers leave at
  # their defaults.
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict -Wno-missing-field-initializers>)
target_include_directories(carat_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(CARAT_SANITIZE)
  target_compile_options(carat_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=address,undefined -fno-omit-frame-pointer>)
  target_link_options(carat_flags INTERFACE -fsanitize=address,undefined)
endif()

# One pool keeps at most two torch files compiling at once: each takes up to 1.5 GB.
set_property(GLOBAL PROPERTY JOB_POOLS torch=2)

# carat_library(NAME [TORCH] SOURCES a.cpp ... LINK lib ...): a static library and its alias carat::NAME.
function(carat_library name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;LINK" ${ARGN})
  add_library(carat_${name} STATIC ${arg_SOURCES})
  add_library(carat::${name} ALIAS carat_${name})
  target_link_libraries(carat_${name} PUBLIC ${arg_LINK} PRIVATE $<BUILD_INTERFACE:carat_flags>)
  target_include_directories(carat_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  if(arg_TORCH)
    carat_use_torch(carat_${name})
  endif()
endfunction()

# carat_program(NAME [TORCH] SOURCES a.cpp ... LINK lib ...): an executable in bin/.
function(carat_program name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK} carat_flags)
  if(arg_TORCH)
    carat_use_torch(${name})
  endif()
endfunction()

# carat_test(NAME [TORCH] [FULL] SOURCES a.cpp ... LINK lib ...): a GoogleTest program and its ctest entry, label quick.
# FULL: its suites named Full* (whole data sets, long fuzzing) are a second entry, NAME_full, label all. TIMEOUT in
# seconds (default 300, the full entry 3600).
function(carat_test name)
  cmake_parse_arguments(arg "TORCH;FULL" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  if(arg_TORCH)
    target_link_libraries(${name} PRIVATE ${arg_LINK} carat_test_main_torch GTest::gtest carat_flags)
    carat_use_torch(${name})
  else()
    target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gtest_main carat_flags)
  endif()
  target_compile_definitions(${name} PRIVATE CARAT_SOURCE_DIR="${CMAKE_SOURCE_DIR}" CARAT_BINARY_DIR="${CMAKE_BINARY_DIR}")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_property(GLOBAL APPEND PROPERTY CARAT_TESTS ${name})
  add_test(NAME ${name} COMMAND ${name} --gtest_filter=-Full*)
  set_tests_properties(${name} PROPERTIES LABELS quick TIMEOUT ${arg_TIMEOUT})
  if(arg_FULL)
    add_test(NAME ${name}_full COMMAND ${name} --gtest_filter=Full*)
    set_tests_properties(${name}_full PROPERTIES LABELS all TIMEOUT 3600)
  endif()
endfunction()
