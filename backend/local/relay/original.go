package relay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// OriginalDestination is where a redirected connection was going.
func OriginalDestination(c net.Conn) (netip.AddrPort, error) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return netip.AddrPort{}, errors.New("original destination: no TCP connection")
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("original destination: %w", err)
	}
	var sa unix.RawSockaddrInet4
	var errno unix.Errno
	err = raw.Control(func(fd uintptr) {
		size := uint32(unix.SizeofSockaddrInet4)
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_IP, unix.SO_ORIGINAL_DST,
			uintptr(unsafe.Pointer(&sa)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err == nil && errno != 0 {
		err = errno
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("original destination: %w", err)
	}
	port := sa.Port>>8 | sa.Port<<8 // network byte order
	return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), port), nil
}

// ProxyHeader is the PROXY protocol's header, version 2, for a connection from
// client to server.
func ProxyHeader(client, server netip.AddrPort) []byte {
	h := []byte("\r\n\r\n\x00\r\nQUIT\n")
	h = append(h, 0x21) // version 2, on behalf of somebody
	from, to := client.Addr().Unmap(), server.Addr().Unmap()
	switch {
	case from.Is4() && to.Is4():
		h = append(h, 0x11, 0, 12) // TCP over IPv4
	default:
		h = append(h, 0x21, 0, 36) // TCP over IPv6
		from, to = netip.AddrFrom16(from.As16()), netip.AddrFrom16(to.As16())
	}
	h = append(h, from.AsSlice()...)
	h = append(h, to.AsSlice()...)
	return append(h, byte(client.Port()>>8), byte(client.Port()), byte(server.Port()>>8), byte(server.Port()))
}
