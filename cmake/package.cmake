# SPDX-License-Identifier: Apache-2.0
# `ninja package`: carat-VERSION-x86_64.tar.gz in the build folder, at most 24 MiB. Programs, tests, recipes; everything
# but LibTorch inside. README of the package: its run-tests and env.sh.

if(CARAT_ENGINE)
  add_custom_target(package
    COMMAND ${CMAKE_SOURCE_DIR}/cmake/make_package.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${PROJECT_VERSION}
            ${CMAKE_CXX_COMPILER}
    USES_TERMINAL VERBATIM)
  add_dependencies(package carat carat-engine graph_test every_model_test weights_test base_test config_test data_test
    scoring_test kernels_test packed_test net_test stages_test recipe_test run_test)
endif()
