# SPDX-License-Identifier: Apache-2.0
# Everything but LibTorch is linked statically, so that a package runs where only PyTorch is installed.

set(Boost_USE_STATIC_LIBS ON)
set(ZLIB_USE_STATIC_LIBS ON)
find_package(ZLIB REQUIRED)
find_library(CARAT_ZLIB NAMES libz.a)
find_package(yaml-cpp REQUIRED)
find_library(CARAT_YAML NAMES libyaml-cpp.a)
find_package(JPEG REQUIRED)
find_library(CARAT_JPEG NAMES libjpeg.a)
find_package(PNG REQUIRED)
find_library(CARAT_PNG NAMES libpng.a)
find_library(CARAT_WEBP NAMES libwebp.a)
find_library(CARAT_WEBP_SHARED NAMES webp REQUIRED)
find_library(CARAT_HIGHWAY NAMES libhwy.a)
find_library(CARAT_HIGHWAY_SHARED NAMES hwy REQUIRED)

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
carat_static(carat_jpeg "${CARAT_JPEG}" JPEG::JPEG)
carat_static(carat_png "${CARAT_PNG}" PNG::PNG)
carat_static(carat_webp "${CARAT_WEBP}" "${CARAT_WEBP_SHARED}")

carat_static(carat_highway "${CARAT_HIGHWAY}" "${CARAT_HIGHWAY_SHARED}")

# libpng reads through zlib: the archives in this order. find_library puts no archive's needs on the line.
add_library(carat_images INTERFACE)
target_link_libraries(carat_images INTERFACE carat_jpeg carat_png carat_webp carat_zlib m Threads::Threads)
