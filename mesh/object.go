package mesh

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Object is one declared or reported object. It is never changed after it was
// decoded.
type Object struct {
	Ref
	APIVersion  string // as written, with the version: "networking.istio.io/v1"
	Labels      map[string]string
	Annotations map[string]string
	UID         string
	Created     time.Time // decides precedence between equals; zero where the source does not know
	// Generation counts the changes of the content; 0 where the source does not
	// know.
	Generation int64
	// Unplaced reports that the text names no namespace, so that Namespace is the
	// default one.
	Unplaced bool

	// Spec is the decoded content. For Istio kinds it is a pointer to the
	// message of istio.io/api (*networkingv1alpha3.VirtualService …); for all
	// other kinds it is a pointer to the whole API struct (*corev1.Service,
	// *gatewayv1.HTTPRoute …), whose ObjectMeta repeats the fields above.
	Spec any

	// Status is the status as JSON, for Istio kinds, whose Spec does not hold it;
	// nil when there is none.
	Status json.RawMessage

	// Version is what a writer must name to change the object: the SHA-256 of
	// the document's bytes for files, the resourceVersion in Kubernetes.
	Version string
	// Hash covers what translation may read: reference, labels, annotations,
	// spec. It does not cover status, version, or where the object came from.
	Hash Hash

	Origin Origin
	Text   []byte // the document as written, comments included; nil when the source has no text
}

// Written names the object as its text does: without a namespace where the text
// names none.
func (o *Object) Written() string {
	r := o.Ref
	if o.Unplaced {
		r.Namespace = ""
	}
	return r.String()
}

// Origin says where an object was read from.
type Origin struct {
	Source string `json:"source"`         // name of the source: "files", "cluster", …
	File   string `json:"file,omitempty"` // path as a person would type it
	Line   int    `json:"line,omitempty"` // first line of the document in the file, from 1
	From   string `json:"from,omitempty"` // the manifest that the object was applied from
	// Applied is the version of the manifest's text that was last brought here of
	// itself, as `heddle up` does; empty where a person wrote the object.
	Applied string `json:"-"`
}

// Hash is a digest of content.
type Hash [16]byte

// String is the digest in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether nothing was hashed.
func (h Hash) IsZero() bool { return h == Hash{} }

// HashOf digests parts; each is preceded by its length, so that parts cannot
// run together.
func HashOf[B ~string | ~[]byte](parts ...B) Hash {
	d := sha256.New()
	var n [8]byte
	for _, p := range parts {
		binary.LittleEndian.PutUint64(n[:], uint64(len(p)))
		d.Write(n[:])
		d.Write([]byte(p))
	}
	return Hash(d.Sum(nil)[:16])
}
