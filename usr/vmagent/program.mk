# SPDX-License-Identifier: MIT
$(eval $(call usr-program,sbin/vmagent,$(addprefix usr/vmagent/,vmagent.c frame.c setup.c)))
