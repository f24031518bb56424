# SPDX-License-Identifier: MIT
obj-$(CONFIG_VIRTIO) += drivers/virtio/packed.o drivers/virtio/ring.o drivers/virtio/split.o drivers/virtio/virtio.o
obj-$(CONFIG_VIRTIO_MMIO) += drivers/virtio/mmio.o
ifeq ($(CONFIG_VIRTIO_MMIO),y)
obj-$(CONFIG_X86_64) += drivers/virtio/mmio_pc.o
endif
obj-$(CONFIG_VIRTIO_RNG) += drivers/virtio/rng.o
obj-$(CONFIG_VIRTIO_PCI) += drivers/virtio/pci.o
ifeq ($(CONFIG_KTEST),y)
obj-$(CONFIG_VIRTIO) += drivers/virtio/ring_test.o
endif
obj-$(CONFIG_VIRTIO_CONSOLE) += drivers/virtio/console.o
