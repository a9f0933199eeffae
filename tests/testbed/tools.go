//go:build tools

// Package testbed names the real programs that the tests run against; they are built by `cargo xtask test`.
package testbed

import (
	_ "github.com/argoproj/argo-cd/v3/cmd"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
)
