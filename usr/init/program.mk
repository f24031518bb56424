# SPDX-License-Identifier: MIT
$(eval $(call usr-program,sbin/init,$(addprefix usr/init/,init.c mounts.c console.c shutdown.c)))
$(eval $(call usr-program,sbin/poweroff,usr/init/poweroff.c))
