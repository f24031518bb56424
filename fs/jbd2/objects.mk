# SPDX-License-Identifier: MIT
obj-$(CONFIG_EXT4) += fs/jbd2/checkpoint.o fs/jbd2/commit.o fs/jbd2/format.o fs/jbd2/journal.o fs/jbd2/recovery.o fs/jbd2/revoke.o
