"""The balloon device in QEMU: its registers, driver, statistics and the guest's RAM, as one monitor shows them."""
