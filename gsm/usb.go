package gsm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// usbReset is USBDEVFS_RESET of <linux/usbdevice_fs.h>: the hub resets the port, as unplugging and plugging would.
const usbReset = 0x5514

// ResetUSB resets the USB port that a serial device hangs on. It needs write access to the device's node under
// /dev/bus/usb: root, or a udev rule.
func ResetUSB(_ context.Context, device string) error {
	node, err := usbNode("/sys", device)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(node, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("resetting the USB port of %s: %w", device, err)
	}
	if err := unix.IoctlSetInt(int(f.Fd()), usbReset, 0); err != nil {
		return errors.Join(fmt.Errorf("resetting the USB port of %s: %w", device, err), f.Close())
	}
	return f.Close()
}

// usbNode finds the node of the USB device behind a serial device: the nearest folder above it in sysfs that knows
// its bus and its number.
func usbNode(sys, device string) (string, error) {
	tty, err := filepath.EvalSymlinks(device)
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(filepath.Join(sys, "class/tty", filepath.Base(tty), "device"))
	if err != nil {
		return "", fmt.Errorf("%s is on no USB port: %w", device, err)
	}
	for ; len(dir) > len(sys); dir = filepath.Dir(dir) {
		bus, err1 := readNumber(filepath.Join(dir, "busnum"))
		number, err2 := readNumber(filepath.Join(dir, "devnum"))
		if err1 == nil && err2 == nil {
			return fmt.Sprintf("/dev/bus/usb/%03d/%03d", bus, number), nil
		}
	}
	return "", fmt.Errorf("%s is on no USB port", device)
}

func readNumber(name string) (int, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}
