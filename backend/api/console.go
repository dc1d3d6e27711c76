package api

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// indexFile is the page that every address of the console shows.
const indexFile = "index.html"

// hashedFolder holds files whose names change with their content.
const hashedFolder = "/assets/"

// serverPaths are no pages of the console, whatever lies below.
var serverPaths = []string{"/api", "/prometheus", "/metrics", "/healthz", "/readyz", hashedFolder}

// encodings are those that the build has files in beside the plain ones, the
// best first.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// Console serves the built front end out of a list of files that it made once:
// what a request names is looked up there, and never in a file system.
type Console struct {
	files  fs.FS
	assets map[string]asset
	policy string
}

type asset struct {
	file      string // in files
	tag       string
	mime      string
	immutable bool
	encoded   []encodedAsset
}

type encodedAsset struct{ encoding, file string }

// NewConsole reads which files there are.
func NewConsole(files fs.FS) (*Console, error) {
	c := &Console{files: files, assets: map[string]asset{}, policy: contentPolicy(nil)}
	all := map[string]bool{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), ".") {
			all[name] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the built console: %w", err)
	}
	for name := range all {
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read the built console: %w", err)
		}
		if name == indexFile {
			c.policy = contentPolicy(content)
		}
		sum := sha256.Sum256(content)
		a := asset{
			file: name, tag: hex.EncodeToString(sum[:8]), mime: cmp.Or(mime.TypeByExtension(path.Ext(name)), "application/octet-stream"),
			immutable: strings.HasPrefix("/"+name, hashedFolder),
		}
		encoded := false // is itself another file's encoding
		for _, e := range encodings {
			if all[name+e.suffix] {
				a.encoded = append(a.encoded, encodedAsset{e.name, name + e.suffix})
			}
			plain, ok := strings.CutSuffix(name, e.suffix)
			encoded = encoded || ok && all[plain]
		}
		if !encoded {
			c.assets["/"+name] = a
		}
	}
	return c, nil
}

var (
	inlineScript = regexp.MustCompile(`(?is)<script((?:\s[^>]*)?)>(.*?)</script>`)
	inlineStyle  = regexp.MustCompile(`(?is)<style(?:\s[^>]*)?>(.*?)</style>`)
	hasSource    = regexp.MustCompile(`(?i)\ssrc\s*=`)
)

// contentPolicy is the console's Content-Security-Policy: code and everything
// else comes from this server alone, and nothing is evaluated. What stands in the
// page itself is allowed by its hash.
func contentPolicy(page []byte) string {
	hash := func(text []byte) string {
		sum := sha256.Sum256(text)
		return " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	var scripts, styles string
	for _, m := range inlineScript.FindAllSubmatch(page, -1) {
		if !hasSource.Match(m[1]) {
			scripts += hash(m[2])
		}
	}
	for _, m := range inlineStyle.FindAllSubmatch(page, -1) {
		styles += hash(m[1])
	}
	return "default-src 'none'; script-src 'self'" + scripts + "; style-src 'self'" + styles +
		"; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'" +
		"; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// find is the file that an address shows. Addresses of the console's pages are
// the console's own business: to who wants a page they all show the same one.
func (c *Console) find(r *http.Request) (asset, bool) {
	name := r.URL.Path
	if name == "/" {
		name += indexFile
	}
	if a, ok := c.assets[name]; ok {
		return a, true
	}
	if slices.ContainsFunc(serverPaths, func(p string) bool {
		return name == strings.TrimSuffix(p, "/") || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/")
	}) || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return asset{}, false
	}
	a, ok := c.assets["/"+indexFile]
	return a, ok
}

// built reports whether there is a console at all.
func (c *Console) built() bool {
	_, ok := c.assets["/"+indexFile]
	return ok
}

// serve answers with a file.
func (c *Console) serve(w http.ResponseWriter, r *http.Request, a asset) error {
	header := w.Header()
	file, tag := a.file, a.tag
	if len(a.encoded) > 0 {
		header.Set("Vary", "Accept-Encoding")
		for _, e := range a.encoded {
			if accepts(r.Header.Get("Accept-Encoding"), e.encoding) {
				file, tag = e.file, tag+"-"+e.encoding
				header.Set("Content-Encoding", e.encoding)
				break
			}
		}
	}
	f, err := c.files.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	content, ok := f.(io.ReadSeeker)
	if !ok {
		data, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		content = bytes.NewReader(data)
	}
	header.Set("Content-Type", a.mime)
	header.Set("Content-Security-Policy", c.policy)
	switch {
	case a.immutable:
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	case a.file == indexFile:
		header.Set("Cache-Control", "no-store")
	default:
		header.Set("Cache-Control", "no-cache")
	}
	header.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, file, time.Time{}, content)
	return nil
}

// accepts reports whether a header Accept-Encoding names an encoding and does
// not rule it out.
func accepts(header, encoding string) bool {
	for word := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(word, ";")
		if strings.EqualFold(strings.TrimSpace(name), encoding) {
			q := strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
			return strings.Trim(q, "0.") != "" || !strings.HasPrefix(q, "0")
		}
	}
	return false
}

// errNotBuilt is what the address of a console says that is not there.
var errNotBuilt = errors.New("this heddle was compiled without its console; `make build` makes one that has it")
