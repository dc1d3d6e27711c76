package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/heddle-mesh/heddle/backend/local/sandbox"
)

// Volume is a folder of files for a pod, or a folder of the host.
type Volume struct {
	Name  string
	Files []File
	Host  string // path on the host; then there are no files
	Empty bool   // an empty folder, which the containers may write to
}

// File is one file of a volume.
type File struct {
	Path string // relative to the volume
	Data []byte
	Mode fs.FileMode
}

// volumes makes all volumes of a template.
func (d Declared) volumes(t *corev1.PodTemplateSpec, f Facts) ([]Volume, error) {
	var out []Volume
	var errs []error
	for _, v := range t.Spec.Volumes {
		one, err := d.volume(v, f)
		if err != nil {
			errs = append(errs, fmt.Errorf("volume %s: %w", v.Name, err))
			continue
		}
		one.Name = v.Name
		out = append(out, one)
	}
	return out, errors.Join(errs...)
}

func (d Declared) volume(v corev1.Volume, f Facts) (Volume, error) {
	switch {
	case v.EmptyDir != nil:
		return Volume{Empty: true}, nil
	case v.HostPath != nil:
		return Volume{Host: v.HostPath.Path}, nil
	case v.ConfigMap != nil:
		s := v.ConfigMap
		data, err := d.configMap(Key{f.Namespace, s.Name}, s.Optional)
		return filesOf(data, err, s.Items, s.DefaultMode, s.Optional)
	case v.Secret != nil:
		s := v.Secret
		data, err := d.secret(Key{f.Namespace, s.SecretName}, s.Optional)
		return filesOf(data, err, s.Items, s.DefaultMode, s.Optional)
	case v.DownwardAPI != nil:
		return downward(v.DownwardAPI.Items, f)
	case v.Projected != nil:
		return d.projected(v.Projected, f)
	}
	return Volume{}, errors.New("this kind of volume is not supported yet; there are configMap, secret, emptyDir, hostPath, downwardAPI and projected")
}

func (d Declared) projected(p *corev1.ProjectedVolumeSource, f Facts) (Volume, error) {
	var out Volume
	for i, s := range p.Sources {
		var one Volume
		var err error
		switch {
		case s.ConfigMap != nil:
			var data map[string][]byte
			data, err = d.configMap(Key{f.Namespace, s.ConfigMap.Name}, s.ConfigMap.Optional)
			one, err = filesOf(data, err, s.ConfigMap.Items, p.DefaultMode, s.ConfigMap.Optional)
		case s.Secret != nil:
			var data map[string][]byte
			data, err = d.secret(Key{f.Namespace, s.Secret.Name}, s.Secret.Optional)
			one, err = filesOf(data, err, s.Secret.Items, p.DefaultMode, s.Secret.Optional)
		case s.DownwardAPI != nil:
			one, err = downward(s.DownwardAPI.Items, f)
		default:
			err = errors.New("not supported yet; there are configMap, secret and downwardAPI")
		}
		if err != nil {
			return Volume{}, fmt.Errorf("sources[%d]: %w", i, err)
		}
		out.Files = append(out.Files, one.Files...)
	}
	return out, nil
}

func filesOf(data map[string][]byte, err error, items []corev1.KeyToPath, mode *int32, optional *bool) (Volume, error) {
	if err != nil {
		return Volume{}, err
	}
	perm := func(modes ...*int32) fs.FileMode {
		for _, m := range modes {
			if m != nil {
				return fs.FileMode(*m).Perm()
			}
		}
		return 0o644
	}
	var v Volume
	if len(items) == 0 {
		for _, k := range slices.Sorted(maps.Keys(data)) {
			v.Files = append(v.Files, File{k, data[k], perm(mode)})
		}
	}
	for _, item := range items {
		text, ok := data[item.Key]
		if !ok {
			if isTrue(optional) {
				continue
			}
			return Volume{}, fmt.Errorf("key %q is not there", item.Key)
		}
		v.Files = append(v.Files, File{item.Path, text, perm(item.Mode, mode)})
	}
	return v, checkPaths(v.Files)
}

func downward(items []corev1.DownwardAPIVolumeFile, f Facts) (Volume, error) {
	var v Volume
	for _, item := range items {
		if item.FieldRef == nil {
			return Volume{}, fmt.Errorf("%s: only fieldRef is supported", item.Path)
		}
		text, err := f.field(item.FieldRef.FieldPath)
		if err != nil {
			return Volume{}, fmt.Errorf("%s: %w", item.Path, err)
		}
		v.Files = append(v.Files, File{item.Path, []byte(text), 0o644})
	}
	return v, checkPaths(v.Files)
}

// checkPaths keeps files inside their volume.
func checkPaths(files []File) error {
	for _, f := range files {
		if !filepath.IsLocal(f.Path) {
			return fmt.Errorf("path %q leads out of the volume", f.Path)
		}
	}
	return nil
}

func mountOf(m corev1.VolumeMount, volumes []Volume, dir string) (sandbox.Mount, error) {
	i := slices.IndexFunc(volumes, func(v Volume) bool { return v.Name == m.Name })
	if i < 0 {
		return sandbox.Mount{}, fmt.Errorf("volume %q is not among the pod's volumes", m.Name)
	}
	v := volumes[i]
	source := v.Host
	if source == "" {
		source = filepath.Join(dir, v.Name)
	}
	if m.SubPath != "" {
		if !filepath.IsLocal(m.SubPath) {
			return sandbox.Mount{}, fmt.Errorf("subPath %q leads out of the volume", m.SubPath)
		}
		source = filepath.Join(source, m.SubPath)
	}
	path, err := mountPath(m.MountPath)
	if err != nil {
		return sandbox.Mount{}, err
	}
	readOnly := m.ReadOnly || v.Host == "" && !v.Empty
	return sandbox.Mount{Source: source, Path: path, ReadOnly: readOnly}, nil
}

// systemFolders are the kernel's own: what is mounted there would stand in for
// it, for the programs of the pod and for those that prepare it.
var systemFolders = []string{"/proc", "/sys", "/dev"}

// mountPath is where a volume is mounted that is to be mounted at path.
func mountPath(path string) (string, error) {
	clean := filepath.Clean(path)
	if !filepath.IsAbs(path) || clean == "/" {
		return "", fmt.Errorf("mountPath %q is not an absolute path below /", path)
	}
	if clean == "/dev/shm" { // a folder for everybody, which programs want large
		return clean, nil
	}
	for _, folder := range systemFolders {
		if clean == folder || strings.HasPrefix(clean, folder+"/") {
			return "", fmt.Errorf("mountPath %q lies in %s, which is the kernel's; choose another folder", path, folder)
		}
	}
	return clean, nil
}

// Point is a file or folder that must exist in a volume of the pod's own, for
// something else to be mounted there.
type Point struct {
	Path   string // relative to the folder of volumes
	Source string // what is mounted there: the point is of the same kind
}

// Points are the mount points that lie in the pod's own volumes, which are in
// the folder volumes.
func Points(mounts []sandbox.Mount, volumes string) []Point {
	var out []Point
	for _, m := range mounts {
		above := "" // where the innermost mount is that m lies in
		source := ""
		for _, o := range mounts {
			if len(o.Path) > len(above) && strings.HasPrefix(m.Path, o.Path+"/") {
				above, source = o.Path, o.Source
			}
		}
		in, err := filepath.Rel(volumes, source)
		if above == "" || err != nil || !filepath.IsLocal(in) {
			continue
		}
		out = append(out, Point{filepath.Join(in, strings.TrimPrefix(m.Path, above)), m.Source})
	}
	return out
}
