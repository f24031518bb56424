# SPDX-License-Identifier: MIT
obj-$(CONFIG_VIRTIO) += drivers/virtio/packed.o drivers/virtio/ring.o drivers/virtio/split.o drivers/virtio/virtio.o
obj-$(CONFIG_VIRTIO_MMIO) += drivers/virtio/mmio.o
obj-$(CONFIG_VIRTIO_RNG) += drivers/virtio/rng.o
obj-$(CONFIG_VIRTIO_PCI) += drivers/virtio/pci.o
