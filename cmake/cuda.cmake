# SPDX-License-Identifier: Apache-2.0
# Finds nvcc and CUTLASS. CARAT_HAS_CUDA says whether the .cu files are compiled or their stubs.

set(CARAT_HAS_CUDA OFF)
if(NOT CARAT_CUDA STREQUAL "off")
  find_program(CARAT_NVCC nvcc PATHS /usr/local/cuda/bin ENV CUDA_HOME PATH_SUFFIXES bin)
  if(CARAT_NVCC)
    set(CMAKE_CUDA_COMPILER ${CARAT_NVCC})
    # sm_80 and sm_90 code, and PTX for what comes later.
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 90-virtual)
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
    enable_language(CUDA)
    # CMake 3.25 does not know CUDA C++20: what it writes for 17 becomes ours.
    set(CMAKE_CUDA_STANDARD 17)
    set(CMAKE_CUDA17_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA17_EXTENSION_COMPILE_OPTION -std=c++20)
    string(APPEND CMAKE_CUDA_FLAGS " --fmad=false -Werror=all-warnings -Xcompiler=-Wall,-Wextra,-Werror")
    set(CARAT_HAS_CUDA ON)
    # CUTLASS's headers, from the nvidia-cutlass wheel: without them convolutions keep to the direct kernel.
    file(GLOB carat_cutlass "${CARAT_VENV}/lib/python3*/site-packages/cutlass_library/source/include")
    set(CARAT_CUTLASS "${carat_cutlass}" CACHE PATH "Folder that holds cutlass/cutlass.h")
    message(STATUS "CUTLASS: ${CARAT_CUTLASS}")
  elseif(CARAT_CUDA STREQUAL "on")
    message(FATAL_ERROR "CARAT_CUDA=on, but nvcc was not found on PATH, in CUDA_HOME or /usr/local/cuda")
  endif()
endif()
message(STATUS "CUDA kernels: ${CARAT_HAS_CUDA}")
