package config

import networking "istio.io/api/networking/v1alpha3"

// envoyFields are the fields of the message of Envoy that a patch changes. A
// test under xds compares them with Envoy's own description.
var envoyFields = map[networking.EnvoyFilter_ApplyTo][]string{
	networking.EnvoyFilter_LISTENER: {
		"name", "address", "additional_addresses", "stat_prefix", "stats_matcher", "filter_chains", "fcds_config",
		"filter_chain_matcher", "use_original_dst", "default_filter_chain", "per_connection_buffer_limit_bytes",
		"per_connection_buffer_high_watermark_timeout", "metadata", "deprecated_v1", "drain_type", "listener_filters",
		"listener_filters_timeout", "continue_on_listener_filters_timeout", "transparent", "freebind", "socket_options",
		"tcp_fast_open_queue_length", "traffic_direction", "udp_listener_config", "api_listener",
		"connection_balance_config", "reuse_port", "enable_reuse_port", "access_log", "tcp_backlog_size",
		"max_connections_to_accept_per_socket_event", "bind_to_port", "internal_listener", "enable_mptcp",
		"ignore_global_conn_limit", "bypass_overload_manager", "tcp_keepalive",
	},
	networking.EnvoyFilter_FILTER_CHAIN: {
		"filter_chain_match", "filters", "use_proxy_proto", "metadata", "transport_socket",
		"transport_socket_connect_timeout", "name",
	},
	networking.EnvoyFilter_NETWORK_FILTER:  {"name", "typed_config", "config_discovery"},
	networking.EnvoyFilter_LISTENER_FILTER: {"name", "typed_config", "config_discovery", "filter_disabled"},
	networking.EnvoyFilter_HTTP_FILTER:     {"name", "typed_config", "config_discovery", "is_optional", "disabled"},
	networking.EnvoyFilter_ROUTE_CONFIGURATION: {
		"name", "virtual_hosts", "vhds", "internal_only_headers", "response_headers_to_add", "response_headers_to_remove",
		"request_headers_to_add", "request_headers_to_remove", "most_specific_header_mutations_wins", "validate_clusters",
		"max_direct_response_body_size_bytes", "cluster_specifier_plugins", "request_mirror_policies",
		"ignore_port_in_host_matching", "vhost_header", "ignore_path_parameters_in_path_matching",
		"typed_per_filter_config", "metadata", "route_specifiers",
	},
	networking.EnvoyFilter_VIRTUAL_HOST: {
		"name", "domains", "routes", "matcher", "require_tls", "virtual_clusters", "rate_limits", "request_headers_to_add",
		"request_headers_to_remove", "response_headers_to_add", "response_headers_to_remove", "cors",
		"typed_per_filter_config", "include_request_attempt_count", "include_attempt_count_in_response", "retry_policy",
		"retry_policy_typed_config", "hedge_policy", "include_is_timeout_retry_header", "per_request_buffer_limit_bytes",
		"request_body_buffer_limit", "request_mirror_policies", "metadata", "route_specifiers",
	},
	networking.EnvoyFilter_HTTP_ROUTE: {
		"name", "match", "route", "redirect", "direct_response", "filter_action", "non_forwarding_action", "metadata",
		"decorator", "typed_per_filter_config", "request_headers_to_add", "request_headers_to_remove",
		"response_headers_to_add", "response_headers_to_remove", "tracing", "per_request_buffer_limit_bytes", "stat_prefix",
		"request_body_buffer_limit", "route_specifiers",
	},
	networking.EnvoyFilter_CLUSTER: {
		"transport_socket_matches", "transport_socket_matcher", "name", "alt_stat_name", "stats_matcher", "type",
		"cluster_type", "eds_cluster_config", "connect_timeout", "per_connection_buffer_limit_bytes",
		"per_connection_buffer_high_watermark_timeout", "lb_policy", "load_assignment", "health_checks",
		"max_requests_per_connection", "circuit_breakers", "upstream_http_protocol_options", "common_http_protocol_options",
		"http_protocol_options", "http2_protocol_options", "typed_extension_protocol_options", "dns_refresh_rate",
		"dns_jitter", "dns_failure_refresh_rate", "respect_dns_ttl", "dns_lookup_family", "dns_resolvers",
		"use_tcp_for_dns_lookups", "dns_resolution_config", "typed_dns_resolver_config", "wait_for_warm_on_init",
		"outlier_detection", "cleanup_interval", "upstream_bind_config", "lb_subset_config", "ring_hash_lb_config",
		"maglev_lb_config", "original_dst_lb_config", "least_request_lb_config", "round_robin_lb_config",
		"common_lb_config", "transport_socket", "metadata", "protocol_selection", "upstream_connection_options",
		"close_connections_on_host_health_failure", "ignore_health_on_host_removal", "filters", "load_balancing_policy",
		"lrs_server", "lrs_report_endpoint_metrics", "track_timeout_budgets", "upstream_config", "track_cluster_stats",
		"preconnect_policy", "connection_pool_per_downstream_connection", "queuing_policies",
	},
	networking.EnvoyFilter_EXTENSION_CONFIG: {"name", "typed_config"},
	networking.EnvoyFilter_BOOTSTRAP: {
		"node", "node_context_params", "static_resources", "dynamic_resources", "cluster_manager", "hds_config",
		"flags_path", "stats_sinks", "deferred_stat_options", "stats_config", "stats_flush_interval",
		"stats_flush_on_admin", "stats_eviction_interval", "watchdog", "watchdogs", "tracing", "layered_runtime", "admin",
		"overload_manager", "enable_dispatcher_stats", "header_prefix", "stats_server_version_override",
		"use_tcp_for_dns_lookups", "dns_resolution_config", "typed_dns_resolver_config", "bootstrap_extensions",
		"fatal_actions", "config_sources", "default_config_source", "default_socket_interface",
		"certificate_provider_instances", "inline_headers", "perf_tracing_file_path", "default_regex_engine",
		"xds_delegate_extension", "xds_config_tracker_extension", "listener_manager", "application_log_config",
		"grpc_async_client_manager_config", "memory_allocator_manager", "enable_worker_cpu_affinity",
	},
}

// EnvoyFields are the fields at the top of the message of Envoy that patches with
// an applyTo change, named as in proto files; nil when it is not known.
func EnvoyFields(applyTo networking.EnvoyFilter_ApplyTo) []string { return envoyFields[applyTo] }

// oldFilters are names of filters that Envoy gave up, with those it has now.
var oldFilters = map[string]string{
	"envoy.buffer":                  "envoy.filters.http.buffer",
	"envoy.cors":                    "envoy.filters.http.cors",
	"envoy.csrf":                    "envoy.filters.http.csrf",
	"envoy.http_dynamo_filter":      "envoy.filters.http.dynamo",
	"envoy.fault":                   "envoy.filters.http.fault",
	"envoy.grpc_http1_bridge":       "envoy.filters.http.grpc_http1_bridge",
	"envoy.grpc_json_transcoder":    "envoy.filters.http.grpc_json_transcoder",
	"envoy.grpc_web":                "envoy.filters.http.grpc_web",
	"envoy.gzip":                    "envoy.filters.http.gzip",
	"envoy.health_check":            "envoy.filters.http.health_check",
	"envoy.ip_tagging":              "envoy.filters.http.ip_tagging",
	"envoy.lua":                     "envoy.filters.http.lua",
	"envoy.rate_limit":              "envoy.filters.http.ratelimit",
	"envoy.router":                  "envoy.filters.http.router",
	"envoy.squash":                  "envoy.filters.http.squash",
	"envoy.listener.http_inspector": "envoy.filters.listener.http_inspector",
	"envoy.listener.original_dst":   "envoy.filters.listener.original_dst",
	"envoy.listener.original_src":   "envoy.filters.listener.original_src",
	"envoy.listener.proxy_protocol": "envoy.filters.listener.proxy_protocol",
	"envoy.listener.tls_inspector":  "envoy.filters.listener.tls_inspector",
	"envoy.client_ssl_auth":         "envoy.filters.network.client_ssl_auth",
	"envoy.echo":                    "envoy.filters.network.echo",
	"envoy.ext_authz":               "envoy.filters.network.ext_authz",
	"envoy.http_connection_manager": "envoy.filters.network.http_connection_manager",
	"envoy.mongo_proxy":             "envoy.filters.network.mongo_proxy",
	"envoy.ratelimit":               "envoy.filters.network.ratelimit",
	"envoy.redis_proxy":             "envoy.filters.network.redis_proxy",
	"envoy.tcp_proxy":               "envoy.filters.network.tcp_proxy",
}
