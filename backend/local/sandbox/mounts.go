package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ownMounts detaches this mount namespace from the host's and shows the
// processes of this pid namespace in /proc.
func ownMounts() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

// below reports whether path is dir or lies in it.
func below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// hide covers folders by empty ones and shows again what is kept of them, under
// the same path.
func hide(folders []string, kept []Bind) error {
	folders = slices.Sorted(slices.Values(folders))
	covered := func(path string) bool {
		return slices.ContainsFunc(folders, func(f string) bool { return below(path, f) })
	}
	type tree struct {
		Bind
		fd  int
		dir bool
	}
	var trees []tree
	defer func() {
		for _, t := range trees {
			unix.Close(t.fd)
		}
	}()
	for _, k := range kept {
		if !covered(k.Path) {
			continue
		}
		fd, dir, err := openTree(k.Path, k.ReadOnly)
		if err != nil {
			return err
		}
		trees = append(trees, tree{k, fd, dir})
	}
	for i, f := range folders {
		if i > 0 && slices.ContainsFunc(folders[:i], func(o string) bool { return below(f, o) }) {
			continue // gone with the one above it
		}
		if err := unix.Mount("tmpfs", f, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=1m"); err != nil {
			return fmt.Errorf("hide %s: %w", f, err)
		}
	}
	slices.SortStableFunc(trees, func(a, b tree) int { return strings.Compare(a.Path, b.Path) })
	for _, t := range trees {
		if err := makePoint(t.Path, t.dir); err != nil {
			return fmt.Errorf("keep %s: %w", t.Path, err)
		}
		if err := unix.MoveMount(t.fd, "", unix.AT_FDCWD, t.Path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
			return fmt.Errorf("keep %s: %w", t.Path, err)
		}
	}
	return nil
}

// openTree copies what is mounted at path, so that it can be mounted elsewhere.
func openTree(path string, readOnly bool) (fd int, dir bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false, fmt.Errorf("show %s: %w", path, err)
	}
	fd, err = unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return 0, false, fmt.Errorf("show %s: %w", path, err)
	}
	if readOnly {
		attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
		if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, attr); err != nil {
			unix.Close(fd)
			return 0, false, fmt.Errorf("show %s read-only: %w", path, err)
		}
	}
	return fd, info.IsDir(), nil
}

// makePoint makes the file or folder that something is mounted on.
func makePoint(path string, dir bool) error {
	if dir {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	// A symbolic link would have a file made where it leads, with this process' rights.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// coverEtc shows the files of dir in place of those of the same name in /etc,
// and the host's other files as they are.
//
// Binding single files over the host's would not last: when anybody on the
// host renames a new resolv.conf into place, as network managers do, the
// kernel drops the mounts on the old one in every namespace. It would fail,
// too, where resolv.conf is a dangling symbolic link or missing.
func coverEtc(dir string) error {
	err := overlay(dir, "/etc")
	if err == nil {
		return nil
	}
	// Before Linux 5.11, or with /etc in an overlay of an overlay.
	if linkErr := linkEtc(dir); linkErr != nil {
		return fmt.Errorf("cover /etc: %w", errors.Join(err, linkErr))
	}
	return nil
}

// overlay shows the content of dir over that of at; the result is read-only.
func overlay(dir, at string) error {
	escape := strings.NewReplacer(`\`, `\\`, `:`, `\:`, `,`, `\,`)
	options := "lowerdir=" + escape.Replace(dir) + ":" + escape.Replace(at)
	return unix.Mount("overlay", at, "overlay", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, options)
}

// linkEtc covers /etc by a file system of symbolic links to the host's files.
func linkEtc(dir string) error {
	// Built on top of a folder that this mount namespace alone sees, then moved.
	own, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	texts := make(map[string][]byte)
	for _, f := range own {
		if !f.Type().IsRegular() {
			continue // mount points for volumes; made again when they are needed
		}
		if texts[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			return err
		}
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return err
	}
	const host = ".host"
	if err := os.Mkdir(filepath.Join(dir, host), 0o755); err != nil {
		return err
	}
	if err := unix.Mount("/etc", filepath.Join(dir, host), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	for _, f := range own {
		if text, ok := texts[f.Name()]; ok {
			if err := os.WriteFile(filepath.Join(dir, f.Name()), text, 0o644); err != nil {
				return err
			}
		}
	}
	hosts, err := os.ReadDir("/etc")
	if err != nil {
		return err
	}
	for _, f := range hosts {
		err := os.Symlink(filepath.Join(host, f.Name()), filepath.Join(dir, f.Name()))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return unix.Mount(dir, "/etc", "", unix.MS_MOVE, "")
}

// memory mounts a file system in memory that only the containers' user may enter.
func memory(at string, id Identity) error {
	options := fmt.Sprintf("mode=700,size=4m,uid=%d,gid=%d", id.Inside, id.InsideGID)
	if err := unix.Mount("tmpfs", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, options); err != nil {
		return fmt.Errorf("mount %s in memory: %w", at, err)
	}
	return nil
}

// bindAll shows each mount's source at its path. Where the path does not exist
// it is made, without touching the host: scratch is a folder of the pod's own.
// What is hidden stays so.
func bindAll(mounts []Mount, hidden []string, scratch string) error {
	p := provider{hidden: hidden}
	for i, m := range mounts {
		fd, dir, err := openTree(m.Source, m.ReadOnly)
		if err != nil {
			return err
		}
		err = p.provide(m.Path, dir, filepath.Join(scratch, fmt.Sprint(i)))
		if err == nil {
			err = unix.MoveMount(fd, "", unix.AT_FDCWD, m.Path, unix.MOVE_MOUNT_F_EMPTY_PATH)
		}
		unix.Close(fd)
		if err != nil {
			return fmt.Errorf("mount at %s: %w", m.Path, err)
		}
		if !m.ReadOnly {
			p.writable = append(p.writable, m.Path)
		}
	}
	return nil
}

// covered is an error when a mount stands in front of dir, which the pod needs.
func covered(mounts []Mount, dir string) error {
	for _, m := range mounts {
		if below(dir, m.Path) {
			return fmt.Errorf("mount at %s: it covers %s, where the mesh keeps what the pod's proxy needs; mount it elsewhere, or choose another --state", m.Path, dir)
		}
	}
	return nil
}

// folderID tells a folder from all others, by whatever path it is reached.
type folderID struct{ dev, ino uint64 }

func identify(path string) (folderID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return folderID{}, fmt.Errorf("look at %s: %w", path, err)
	}
	return folderID{st.Dev, st.Ino}, nil
}

func identifyAll(paths []string) (map[string]folderID, error) {
	out := make(map[string]folderID, len(paths))
	for _, path := range paths {
		id, err := identify(path)
		if err != nil {
			return nil, err
		}
		out[path] = id
	}
	return out, nil
}

// stillHidden is an error when one of the folders, as they were before they were
// hidden, can be seen at its own path or through one of the mounts.
func stillHidden(folders map[string]folderID, mounts []Mount) error {
	for path, was := range folders {
		if id, err := identify(path); err == nil && id == was {
			return fmt.Errorf("a mount shows %s again, which is hidden from pods", path)
		}
		for _, m := range mounts {
			source, err := filepath.EvalSymlinks(m.Source)
			if err != nil || !below(path, source) {
				continue
			}
			rest, err := filepath.Rel(source, path)
			if err != nil {
				return err
			}
			if id, err := identify(filepath.Join(m.Path, rest)); err == nil && id == was {
				return fmt.Errorf("mount at %s: it shows %s, which is hidden from pods", m.Path, path)
			}
		}
	}
	return nil
}

// provider makes paths exist in this mount namespace.
type provider struct {
	ownRoot  bool     // the root folder is this namespace's own
	hidden   []string // folders
	writable []string // mounts that may be written to
}

func (p *provider) provide(path string, dir bool, scratch string) error {
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() != dir {
			return errors.New("a file and a folder do not go together")
		}
		return nil
	}
	parent := filepath.Dir(path)
	for {
		if info, err := os.Stat(parent); err == nil && info.IsDir() {
			break
		}
		parent = filepath.Dir(parent)
	}
	if parent == "/" {
		if !p.ownRoot {
			if err := ownRoot(scratch); err != nil {
				return err
			}
			p.ownRoot = true
		}
		return makePoint(path, dir)
	}
	if err := p.mayAdd(parent, path); err != nil {
		return err
	}
	rest, err := filepath.Rel(parent, path)
	if err != nil {
		return err
	}
	if err := makePoint(filepath.Join(scratch, rest), dir); err != nil {
		return err
	}
	return overlay(scratch, parent)
}

// mayAdd is an error where adding path to a folder would do more than that: what
// is laid over the folder is read-only, and shows what is below mounts in it.
func (p *provider) mayAdd(folder, path string) error {
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return err
	}
	for _, h := range p.hidden {
		if below(h, real) {
			return fmt.Errorf("%s does not exist, and cannot be made for the pod alone, because %s, which is hidden from pods, lies in %s too; make it on this machine, mount elsewhere, or choose another --state", path, h, folder)
		}
	}
	for _, w := range p.writable {
		if below(real, w) {
			return fmt.Errorf("%s does not exist in what is mounted at %s, and making it for the pod alone would leave that read-only; make it there", path, w)
		}
	}
	return nil
}

// ownRoot gives this mount namespace a root folder of its own, which shows
// everything that the old one did and can be added to.
func ownRoot(scratch string) error {
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return err
	}
	entries, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to := "/"+e.Name(), filepath.Join(scratch, e.Name())
		if e.Type()&os.ModeSymlink != 0 {
			target, err := os.Readlink(from)
			if err == nil {
				err = os.Symlink(target, to)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := makePoint(to, e.IsDir()); err != nil {
			return err
		}
		if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("show %s: %w", from, err)
		}
	}
	// The old root is stacked on the new one and then taken away.
	if err := unix.Chdir(scratch); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root folder: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the old root folder: %w", err)
	}
	return unix.Chdir("/")
}
