# SPDX-License-Identifier: MIT
obj-y += security/random/random.o security/random/device.o
