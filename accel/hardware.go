package accel

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// HostMemory reads what Linux says of its memory, and the limit of the control group if that is lower. Elsewhere it
// knows nothing.
func HostMemory() Memory {
	var m Memory
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			continue
		}
		switch fields[0] {
		case "MemTotal:":
			m.Total = kib << 10
		case "MemAvailable:":
			m.Available = kib << 10
		}
	}
	if limit, ok := readInt("/sys/fs/cgroup/memory.max"); ok && limit < m.Total {
		m.Total = limit
		if used, ok := readInt("/sys/fs/cgroup/memory.current"); ok {
			m.Available = min(m.Available, max(limit-used, 0))
		}
	}
	return m
}

func readInt(path string) (int64, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil
}

// gpus lists the NVIDIA GPUs by nvidia-smi, else by what the driver shows under /proc, and says what it could not learn.
func gpus(present func() error) ([]GPU, string) {
	list := []GPU{}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=name,memory.total,memory.free,driver_version",
		"--format=csv,noheader,nounits")
	cmd.WaitDelay = time.Second
	if out, err := cmd.Output(); err == nil {
		if list = parseSMI(string(out)); len(list) > 0 {
			return list, ""
		}
	}
	paths, _ := filepath.Glob("/proc/driver/nvidia/gpus/*/information")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "Model:"); ok {
				list = append(list, GPU{Name: strings.TrimSpace(name)})
			}
		}
	}
	if len(list) > 0 {
		return list, "their memory is not known: nvidia-smi is missing or failed"
	}
	if err := present(); err != nil {
		return list, err.Error()
	}
	return list, "an NVIDIA device file is there, but nvidia-smi is missing or failed"
}

// parseSMI reads nvidia-smi's table of name, total and free memory in MiB, and driver version. What it cannot say (it
// prints "[N/A]") stays zero.
func parseSMI(text string) []GPU {
	var list []GPU
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) != 4 {
			continue
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		total, _ := strconv.ParseInt(fields[1], 10, 64)
		free, _ := strconv.ParseInt(fields[2], 10, 64)
		list = append(list, GPU{Name: fields[0], Total: total << 20, Free: free << 20, Driver: fields[3]})
	}
	return list
}
