// Package accel picks and opens the compute backend that GoMLX runs on: pure Go, XLA on the CPU, or XLA on CUDA.
package accel
