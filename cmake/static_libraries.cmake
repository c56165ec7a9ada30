# SPDX-License-Identifier: Apache-2.0
# Everything but LibTorch is linked statically, so that a package runs where only PyTorch is installed.

set(Boost_USE_STATIC_LIBS ON)
set(ZLIB_USE_STATIC_LIBS ON)
find_package(ZLIB REQUIRED)
find_library(CARAT_ZLIB NAMES libz.a)
find_package(yaml-cpp REQUIRED)
find_library(CARAT_YAML NAMES libyaml-cpp.a)

# carat_static(NAME ARCHIVE SHARED_TARGET): the archive where there is one, else the shared library.
function(carat_static name archive shared)
  add_library(${name} INTERFACE)
  if(archive)
    target_link_libraries(${name} INTERFACE ${archive})
  else()
    target_link_libraries(${name} INTERFACE ${shared})
  endif()
endfunction()

carat_static(carat_yaml "${CARAT_YAML}" yaml-cpp)
carat_static(carat_zlib "${CARAT_ZLIB}" ZLIB::ZLIB)
