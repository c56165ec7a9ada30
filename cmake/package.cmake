# SPDX-License-Identifier: Apache-2.0
# `ninja package`: carat-VERSION-x86_64.tar.xz in the build folder, at most 40 MiB. Programs, tests, recipes; everything
# but LibTorch inside. README of the package: its run-tests, gpu-check and env.sh.

if(CARAT_ENGINE)
  add_custom_target(package
    COMMAND ${CMAKE_SOURCE_DIR}/cmake/make_package.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${PROJECT_VERSION}
            ${CMAKE_CXX_COMPILER}
    USES_TERMINAL VERBATIM)
  get_property(carat_tests GLOBAL PROPERTY CARAT_TESTS)
  add_dependencies(package carat carat-engine gpu_check ${carat_tests})
  if(TARGET carat_cuda_graph)
    add_dependencies(package carat_cuda_graph)
  endif()
endif()
