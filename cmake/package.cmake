# SPDX-License-Identifier: Apache-2.0
# Filled in later in this file: the `package` target.
