package agent

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/encoding/protodelim"

	"github.com/heddle-mesh/heddle/mesh/private"
	"github.com/heddle-mesh/heddle/xds"
)

// cacheSchema names how the file is laid out and what it means; another one is
// not read.
const cacheSchema = 1

// cacheKey says for whom a cache was made. One made for anybody else is not
// used.
type cacheKey struct {
	Schema      int    `json:"schema"`
	PodUID      string `json:"podUID"`
	TrustDomain string `json:"trustDomain"`
	Envoy       string `json:"envoy"`
}

// cacheHead is the first line of the file.
type cacheHead struct {
	cacheKey
	Heard   time.Time `json:"heard"`
	Tainted []string  `json:"tainted,omitempty"`
	SHA256  string    `json:"sha256"` // of everything behind this line
}

// encode is the whole cache as one file.
func (c *cache) encode(key cacheKey) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var body bytes.Buffer
	for _, typeURL := range slices.Sorted(maps.Keys(c.types)) {
		m := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: typeURL}
		for _, name := range slices.Sorted(maps.Keys(c.types[typeURL])) {
			m.Resources = append(m.Resources, c.types[typeURL][name].resource)
		}
		if _, err := protodelim.MarshalTo(&body, m); err != nil {
			return nil, fmt.Errorf("encode the kept configuration: %w", err)
		}
	}
	sum := sha256.Sum256(body.Bytes())
	head := cacheHead{cacheKey: key, Heard: c.heard.UTC(), SHA256: hex.EncodeToString(sum[:])}
	for _, id := range c.tainted {
		head.Tainted = append(head.Tainted, hex.EncodeToString(id[:]))
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode the kept configuration: %w", err)
	}
	return slices.Concat(text, []byte{'\n'}, body.Bytes()), nil
}

// decodeCache reads what encode wrote for the same key.
func decodeCache(data []byte, key cacheKey) (*cache, error) {
	line, body, ok := bytes.Cut(data, []byte{'\n'})
	var head cacheHead
	if !ok {
		return nil, errors.New("no header")
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if head.cacheKey != key {
		return nil, fmt.Errorf("made for %+v, this is %+v", head.cacheKey, key)
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != head.SHA256 {
		return nil, errors.New("content is damaged")
	}
	c := newCache()
	c.heard = head.Heard
	for _, text := range head.Tainted {
		id, err := hex.DecodeString(text)
		if err != nil || len(id) != len(content{}) {
			return nil, errors.New("header: bad digest of refused content")
		}
		c.tainted = append(c.tainted, content(id))
	}
	r := bufio.NewReader(bytes.NewReader(body))
	options := protodelim.UnmarshalOptions{MaxSize: -1}
	for {
		m := new(discoveryv3.DeltaDiscoveryResponse)
		if err := options.UnmarshalFrom(r, m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if m.GetTypeUrl() == xds.SecretType {
			return nil, errors.New("it holds secrets")
		}
		table := map[string]*kept{}
		for _, res := range m.GetResources() {
			table[res.GetName()] = &kept{resource: res}
		}
		c.types[m.GetTypeUrl()] = table
	}
	return c, nil
}

// openCache reads the file; whatever is wrong with it, an empty cache does.
func openCache(path string, key cacheKey, log *slog.Logger) *cache {
	data, err := os.ReadFile(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			log.Warn("kept configuration cannot be read", "error", err)
		}
		return newCache()
	}
	c, err := decodeCache(data, key)
	if err != nil {
		log.Warn("kept configuration is not used", "error", err)
		return newCache()
	}
	return c
}

const (
	// saveAfter gathers a burst of changes into one write.
	saveAfter = 500 * time.Millisecond
	// touchEvery is how often the time of the control plane's last word is
	// written while it is connected.
	touchEvery = 10 * time.Minute
)

// saver writes the cache to disk until ctx ends, and then once more.
func (c *cache) saver(ctx context.Context, path string, key cacheKey, l *link, log *slog.Logger) error {
	save := func() {
		data, err := c.encode(key)
		if err == nil {
			err = private.WriteFile(path, data)
		}
		if err != nil {
			log.Warn("configuration cannot be kept", "error", err)
		}
	}
	touch := time.NewTicker(touchEvery)
	defer touch.Stop()
	changed := c.news.changed()
	for {
		select {
		case <-ctx.Done():
			save()
			return nil
		case <-touch.C:
			if l.current() != nil {
				c.hear(time.Now())
			}
		case <-changed:
			pause(ctx, saveAfter)
			changed = c.news.changed()
			save()
		}
	}
}
