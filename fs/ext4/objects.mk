# SPDX-License-Identifier: MIT
obj-$(CONFIG_EXT4) += fs/ext4/acl.o fs/ext4/balloc.o fs/ext4/csum.o fs/ext4/dir.o fs/ext4/extents.o fs/ext4/fallocate.o fs/ext4/group.o \
	fs/ext4/hash.o fs/ext4/htree.o fs/ext4/ialloc.o fs/ext4/indirect.o fs/ext4/inode.o fs/ext4/map.o fs/ext4/namei.o
obj-$(CONFIG_EXT4) += fs/ext4/options.o fs/ext4/orphan.o fs/ext4/super.o fs/ext4/vfs.o fs/ext4/xattr.o
