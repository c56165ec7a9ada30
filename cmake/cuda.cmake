# SPDX-License-Identifier: Apache-2.0
# Finds nvcc. CARAT_HAS_CUDA says whether the .cu files are compiled or their stubs.

set(CARAT_HAS_CUDA OFF)
if(NOT CARAT_CUDA STREQUAL "off")
  find_program(CARAT_NVCC nvcc PATHS /usr/local/cuda/bin ENV CUDA_HOME PATH_SUFFIXES bin)
  if(CARAT_NVCC)
    set(CMAKE_CUDA_COMPILER ${CARAT_NVCC})
    # sm_80 and sm_90 code, and PTX for what comes later.
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
    enable_language(CUDA)
    # CMake 3.25 does not know CUDA C++20: it asks for 17, which is nvcc's default and gives no flag; ours follows.
    set(CMAKE_CUDA_STANDARD 17)
    set(CMAKE_CUDA_EXTENSIONS ON)
    string(APPEND CMAKE_CUDA_FLAGS " -std=c++20 --fmad=false -Xcompiler=-Wall,-Wextra")
    set(CARAT_HAS_CUDA ON)
  elseif(CARAT_CUDA STREQUAL "on")
    message(FATAL_ERROR "CARAT_CUDA=on, but nvcc was not found on PATH, in CUDA_HOME or /usr/local/cuda")
  endif()
endif()
message(STATUS "CUDA kernels: ${CARAT_HAS_CUDA}")
