package metrics

import promv1 "github.com/prometheus/client_golang/api/prometheus/v1"

// Client reads the mesh's metrics. It is safe for concurrent use.
type Client struct{ api promv1.API }

// New is a Client over a Prometheus API.
func New(api promv1.API) *Client { return &Client{api: api} }

// API is Prometheus' own client, for questions that are not the mesh's.
func (c *Client) API() promv1.API { return c.api }
