"""Source file -> QOM types: the ``TypeInfo`` names in the sources of QEMU 5.2, 7.2 and 10.0.

Each line is a file and the types defined in it; a line that starts with a space continues the one before.
"""

from __future__ import annotations

TABLE = """
authz/base.c authz
authz/list.c authz-list
authz/listfile.c authz-list-file
authz/pamacct.c authz-pam
authz/simple.c authz-simple
backends/cryptodev-builtin.c cryptodev-backend-builtin
backends/cryptodev-lkcf.c cryptodev-backend-lkcf
backends/cryptodev-vhost-user.c cryptodev-vhost-user
backends/cryptodev.c cryptodev-backend
backends/dbus-vmstate.c dbus-vmstate
backends/hostmem-epc.c memory-backend-epc
backends/hostmem-file.c memory-backend-file
backends/hostmem-memfd.c memory-backend-memfd
backends/hostmem-ram.c memory-backend-ram
backends/hostmem-shm.c memory-backend-shm
backends/hostmem.c memory-backend
backends/iommufd.c host-iommu-device-iommufd iommufd
backends/rng-builtin.c rng-builtin
backends/rng-egd.c rng-egd
backends/rng-random.c rng-random
backends/rng.c rng-backend
backends/tpm/tpm_backend.c tpm-backend tpm-if
backends/tpm/tpm_emulator.c tpm-emulator
backends/tpm/tpm_passthrough.c tpm-passthrough
backends/vhost-user.c vhost-user-backend
block/throttle-groups.c throttle-group
chardev/baum.c chardev-braille
chardev/char-console.c chardev-console
chardev/char-fd.c chardev-fd
chardev/char-file.c chardev-file
chardev/char-hub.c chardev-hub
chardev/char-mux.c chardev-mux
chardev/char-null.c chardev-null
chardev/char-parallel.c chardev-parallel
chardev/char-pipe.c chardev-pipe
chardev/char-pty.c chardev-pty
chardev/char-ringbuf.c chardev-memory chardev-ringbuf
chardev/char-serial.c chardev-serial
chardev/char-socket.c chardev-socket
chardev/char-stdio.c chardev-stdio
chardev/char-udp.c chardev-udp
chardev/char-win-stdio.c chardev-win-stdio
chardev/char-win.c chardev-win
chardev/char.c chardev
chardev/msmouse.c chardev-msmouse
chardev/spice.c chardev-spice chardev-spiceport chardev-spicevmc
chardev/testdev.c chardev-testdev
chardev/wctablet.c chardev-wctablet
crypto/secret.c secret
crypto/secret_common.c secret_common
crypto/secret_keyring.c secret_keyring
crypto/tls-cipher-suites.c tls-cipher-suites
crypto/tlscreds.c tls-creds
crypto/tlscredsanon.c tls-creds-anon
crypto/tlscredspsk.c tls-creds-psk
crypto/tlscredsx509.c tls-creds-x509
hw/9pfs/virtio-9p-device.c virtio-9p-device
hw/acpi/erst.c acpi-erst
hw/acpi/piix4.c PIIX4_PM
hw/acpi/vmgenid.c vmgenid
hw/audio/ac97.c AC97
hw/audio/adlib.c adlib
hw/audio/cs4231a.c cs4231a
hw/audio/es1370.c ES1370
hw/audio/gus.c gus
hw/audio/hda-codec.c hda-duplex hda-micro hda-output
hw/audio/intel-hda.c HDA ich9-intel-hda intel-hda
hw/audio/pcspk.c isa-pcspk
hw/audio/sb16.c sb16
hw/audio/virtio-snd-pci.c virtio-sound-pci
hw/audio/virtio-snd.c virtio-sound-device
hw/block/fdc-isa.c isa-fdc
hw/block/fdc.c floppy floppy-bus
hw/block/pflash_cfi01.c cfi.pflash01
hw/block/vhost-user-blk.c vhost-user-blk
hw/block/virtio-blk.c virtio-blk-device
hw/char/debugcon.c isa-debugcon
hw/char/ipoctal232.c ipoctal232
hw/char/parallel.c isa-parallel
hw/char/serial-isa.c isa-serial
hw/char/serial-pci-multi.c pci-serial-2x pci-serial-4x
hw/char/serial-pci.c pci-serial
hw/char/serial.c serial
hw/char/virtio-console.c virtconsole virtserialport
hw/char/virtio-serial-bus.c virtio-serial-bus virtio-serial-device
hw/core/generic-loader.c loader
hw/core/guest-loader.c guest-loader
hw/core/irq.c irq
hw/core/sysbus.c System
hw/display/ati.c ati-vga
hw/display/bochs-display.c bochs-display
hw/display/cirrus_vga.c cirrus-vga
hw/display/cirrus_vga_isa.c isa-cirrus-vga
hw/display/i2c-ddc.c i2c-ddc
hw/display/qxl.c qxl qxl-vga
hw/display/ramfb-standalone.c ramfb
hw/display/vga-isa.c isa-vga
hw/display/vga-pci.c VGA secondary-vga
hw/display/vhost-user-gpu-pci.c vhost-user-gpu-pci
hw/display/vhost-user-gpu.c vhost-user-gpu
hw/display/vhost-user-vga.c vhost-user-vga
hw/display/virtio-gpu-pci-gl.c virtio-gpu-gl-pci
hw/display/virtio-gpu-pci.c virtio-gpu-pci
hw/display/virtio-gpu.c virtio-gpu-device
hw/display/virtio-vga-gl.c virtio-vga-gl
hw/display/virtio-vga.c virtio-vga
hw/display/vmware_vga.c vmware-svga
hw/dma/i8257.c i8257
hw/hyperv/hyperv_testdev.c hyperv-testdev
hw/hyperv/syndbg.c hv-syndbg
hw/hyperv/vmbus.c vmbus-bridge
hw/i2c/core.c i2c-bus
hw/i2c/smbus_eeprom.c smbus-eeprom
hw/i2c/smbus_ich9.c ICH9-SMB
hw/i386/amd_iommu.c AMDVI-PCI amd-iommu
hw/i386/intel_iommu.c intel-iommu
hw/i386/kvm/apic.c kvm-apic
hw/i386/kvm/clock.c kvmclock
hw/i386/kvm/i8254.c kvm-pit
hw/i386/kvm/i8259.c kvm-i8259
hw/i386/kvm/ioapic.c kvm-ioapic
hw/i386/port92.c port92
hw/i386/vapic.c kvmvapic
hw/i386/vmmouse.c vmmouse
hw/i386/vmport.c vmport
hw/ide/ich.c ich9-ahci
hw/ide/ide-bus.c IDE
hw/ide/ide-dev.c ide-cd ide-hd
hw/ide/isa.c isa-ide
hw/ide/piix.c piix3-ide piix4-ide
hw/input/pckbd.c i8042
hw/input/ps2.c ps2-kbd ps2-mouse
hw/input/virtio-input-hid.c virtio-keyboard-device virtio-mouse-device virtio-multitouch-device virtio-tablet-device
hw/input/virtio-input-host.c virtio-input-host-device
hw/intc/apic.c apic
hw/intc/i8259.c isa-i8259
hw/intc/ioapic.c ioapic
hw/ipack/tpci200.c tpci200
hw/ipmi/ipmi_bmc_extern.c ipmi-bmc-extern
hw/ipmi/ipmi_bmc_sim.c ipmi-bmc-sim
hw/ipmi/isa_ipmi_bt.c isa-ipmi-bt
hw/ipmi/isa_ipmi_kcs.c isa-ipmi-kcs
hw/ipmi/pci_ipmi_bt.c pci-ipmi-bt
hw/ipmi/pci_ipmi_kcs.c pci-ipmi-kcs
hw/ipmi/smbus_ipmi.c smbus-ipmi
hw/isa/isa-bus.c ISA
hw/isa/lpc_ich9.c ICH9-LPC
hw/isa/piix.c PIIX3
hw/mem/cxl_type3.c cxl-type3
hw/mem/nvdimm.c nvdimm
hw/mem/pc-dimm.c pc-dimm
hw/misc/applesmc.c isa-applesmc
hw/misc/debugexit.c isa-debug-exit
hw/misc/edu.c edu
hw/misc/ivshmem-pci.c ivshmem-doorbell ivshmem-plain
hw/misc/pc-testdev.c pc-testdev
hw/misc/pci-testdev.c pci-testdev
hw/misc/pvpanic-isa.c pvpanic
hw/misc/pvpanic-pci.c pvpanic-pci
hw/misc/sga.c sga
hw/misc/vmcoreinfo.c vmcoreinfo
hw/net/can/can_kvaser_pci.c kvaser_pci
hw/net/can/can_mioe3680_pci.c mioe3680_pci
hw/net/can/can_pcm3680_pci.c pcm3680_pci
hw/net/can/ctucan_pci.c ctucan_pci
hw/net/e1000.c e1000 e1000-82544gc e1000-82545em
hw/net/e1000e.c e1000e
hw/net/eepro100.c i82550 i82551 i82557a i82557b i82557c i82558a i82558b i82559a i82559b i82559c i82559er i82562 i82801
hw/net/igb.c igb
hw/net/igbvf.c igbvf
hw/net/ne2000-isa.c ne2k_isa
hw/net/ne2000-pci.c ne2k_pci
hw/net/pcnet-pci.c pcnet
hw/net/rocker/rocker.c rocker
hw/net/rtl8139.c rtl8139
hw/net/tulip.c tulip
hw/net/virtio-net.c virtio-net-device
hw/net/vmxnet3.c vmxnet3
hw/nvme/ctrl.c nvme nvme-bus
hw/nvme/ns.c nvme-ns
hw/nvme/subsys.c nvme-subsys
hw/nvram/fw_cfg.c fw_cfg_io
hw/pci-bridge/cxl_downstream.c cxl-downstream
hw/pci-bridge/cxl_root_port.c cxl-rp
hw/pci-bridge/cxl_upstream.c cxl-upstream
hw/pci-bridge/gen_pcie_root_port.c pcie-root-port
hw/pci-bridge/i82801b11.c i82801b11-bridge
hw/pci-bridge/ioh3420.c ioh3420
hw/pci-bridge/pci_bridge_dev.c pci-bridge pci-bridge-seat
hw/pci-bridge/pci_expander_bridge.c pxb pxb-bus pxb-cxl pxb-host pxb-pcie pxb-pcie-bus
hw/pci-bridge/pcie_pci_bridge.c pcie-pci-bridge
hw/pci-bridge/xio3130_downstream.c xio3130-downstream
hw/pci-bridge/xio3130_upstream.c x3130-upstream
hw/pci-host/i440fx.c i440FX i440FX-pcihost
hw/pci-host/q35.c mch q35-pcihost
hw/pci/pci.c PCI PCIE
hw/rdma/vmw/pvrdma_main.c pvrdma
hw/remote/proxy.c x-pci-proxy-dev
hw/rtc/mc146818rtc.c mc146818rtc
hw/scsi/esp-pci.c am53c974 dc390
hw/scsi/lsi53c895a.c lsi53c810 lsi53c895a
hw/scsi/megasas.c megasas megasas-gen2
hw/scsi/mptsas.c mptsas1068
hw/scsi/scsi-bus.c SCSI
hw/scsi/scsi-disk.c scsi-block scsi-cd scsi-hd
hw/scsi/scsi-generic.c scsi-generic
hw/scsi/vhost-scsi.c vhost-scsi
hw/scsi/vhost-user-scsi.c vhost-user-scsi
hw/scsi/virtio-scsi.c virtio-scsi-device
hw/scsi/vmw_pvscsi.c pvscsi
hw/sd/sd.c sd-card
hw/sd/sdhci-pci.c sdhci-pci
hw/timer/hpet.c hpet
hw/timer/i8254.c isa-pit
hw/tpm/tpm_crb.c tpm-crb
hw/tpm/tpm_tis_isa.c tpm-tis
hw/usb/bus.c usb-bus
hw/usb/ccid-card-emulated.c ccid-card-emulated
hw/usb/ccid-card-passthru.c ccid-card-passthru
hw/usb/dev-audio.c usb-audio
hw/usb/dev-hid.c usb-kbd usb-mouse usb-tablet
hw/usb/dev-hub.c usb-hub
hw/usb/dev-mtp.c usb-mtp
hw/usb/dev-network.c usb-net
hw/usb/dev-serial.c usb-braille usb-serial
hw/usb/dev-smartcard-reader.c usb-ccid
hw/usb/dev-storage-bot.c usb-bot
hw/usb/dev-storage-classic.c usb-storage
hw/usb/dev-uas.c usb-uas
hw/usb/dev-wacom.c usb-wacom-tablet
hw/usb/hcd-ehci-pci.c ich9-usb-ehci1 ich9-usb-ehci2 usb-ehci
hw/usb/hcd-ohci-pci.c pci-ohci
hw/usb/hcd-uhci.c ich9-usb-uhci1 ich9-usb-uhci2 ich9-usb-uhci3 ich9-usb-uhci4 ich9-usb-uhci5 ich9-usb-uhci6
  piix3-usb-uhci piix4-usb-uhci
hw/usb/hcd-xhci-nec.c nec-usb-xhci
hw/usb/hcd-xhci-pci.c qemu-xhci
hw/usb/hcd-xhci.c base-xhci
hw/usb/host-libusb.c usb-host
hw/usb/redirect.c usb-redir
hw/usb/u2f-passthru.c u2f-passthru
hw/vfio/igd.c vfio-pci-igd-lpc-bridge
hw/vfio/pci.c vfio-pci vfio-pci-nohotplug
hw/virtio/vdpa-dev-pci.c vhost-vdpa-device-pci
hw/virtio/vdpa-dev.c vhost-vdpa-device
hw/virtio/vhost-scsi-pci.c vhost-scsi-pci vhost-scsi-pci-non-transitional vhost-scsi-pci-transitional
hw/virtio/vhost-user-blk-pci.c vhost-user-blk-pci vhost-user-blk-pci-non-transitional vhost-user-blk-pci-transitional
hw/virtio/vhost-user-fs-pci.c vhost-user-fs-pci
hw/virtio/vhost-user-fs.c vhost-user-fs-device
hw/virtio/vhost-user-gpio-pci.c vhost-user-gpio-pci
hw/virtio/vhost-user-gpio.c vhost-user-gpio-device
hw/virtio/vhost-user-i2c-pci.c vhost-user-i2c-pci
hw/virtio/vhost-user-i2c.c vhost-user-i2c-device
hw/virtio/vhost-user-input-pci.c vhost-user-input-pci
hw/virtio/vhost-user-input.c vhost-user-input
hw/virtio/vhost-user-rng-pci.c vhost-user-rng-pci
hw/virtio/vhost-user-rng.c vhost-user-rng
hw/virtio/vhost-user-scsi-pci.c vhost-user-scsi-pci vhost-user-scsi-pci-non-transitional
  vhost-user-scsi-pci-transitional
hw/virtio/vhost-user-vsock-pci.c vhost-user-vsock-pci vhost-user-vsock-pci-non-transitional
hw/virtio/vhost-user-vsock.c vhost-user-vsock-device
hw/virtio/vhost-vsock-pci.c vhost-vsock-pci vhost-vsock-pci-non-transitional
hw/virtio/vhost-vsock.c vhost-vsock-device
hw/virtio/virtio-9p-pci.c virtio-9p-pci virtio-9p-pci-non-transitional virtio-9p-pci-transitional
hw/virtio/virtio-balloon-pci.c virtio-balloon-pci virtio-balloon-pci-non-transitional virtio-balloon-pci-transitional
hw/virtio/virtio-balloon.c virtio-balloon-device
hw/virtio/virtio-blk-pci.c virtio-blk-pci virtio-blk-pci-non-transitional virtio-blk-pci-transitional
hw/virtio/virtio-crypto-pci.c virtio-crypto-pci
hw/virtio/virtio-crypto.c virtio-crypto-device
hw/virtio/virtio-input-host-pci.c virtio-input-host-pci
hw/virtio/virtio-input-pci.c virtio-keyboard-pci virtio-mouse-pci virtio-multitouch-pci virtio-tablet-pci
hw/virtio/virtio-iommu-pci.c virtio-iommu-pci
hw/virtio/virtio-iommu.c virtio-iommu-device
hw/virtio/virtio-mem-pci.c virtio-mem-pci
hw/virtio/virtio-mem.c virtio-mem
hw/virtio/virtio-net-pci.c virtio-net-pci virtio-net-pci-non-transitional virtio-net-pci-transitional
hw/virtio/virtio-pci.c virtio-pci-bus
hw/virtio/virtio-pmem-pci.c virtio-pmem-pci
hw/virtio/virtio-pmem.c virtio-pmem
hw/virtio/virtio-rng-pci.c virtio-rng-pci virtio-rng-pci-non-transitional virtio-rng-pci-transitional
hw/virtio/virtio-rng.c virtio-rng-device
hw/virtio/virtio-scsi-pci.c virtio-scsi-pci virtio-scsi-pci-non-transitional virtio-scsi-pci-transitional
hw/virtio/virtio-serial-pci.c virtio-serial-pci virtio-serial-pci-non-transitional virtio-serial-pci-transitional
hw/watchdog/wdt_i6300esb.c i6300esb
hw/watchdog/wdt_ib700.c ib700
iothread.c iothread
net/can/can_core.c can-bus
net/can/can_host.c can-host
net/can/can_socketcan.c can-host-socketcan
net/dump.c filter-dump
net/filter-buffer.c filter-buffer
net/filter-mirror.c filter-mirror filter-redirector
net/filter-replay.c filter-replay
net/filter-rewriter.c filter-rewriter
net/filter.c netfilter
qom/container.c container
softmmu/memory.c qemu:memory-region
system/memory.c memory-region
util/main-loop.c main-loop
"""
"""As in QEMU 10.0, or as in 7.2 for types removed by 10.0."""
