# SPDX-License-Identifier: MIT
obj-$(CONFIG_RTC_CMOS) += drivers/rtc/cmos.o
obj-$(CONFIG_RTC_PL031) += drivers/rtc/pl031.o
