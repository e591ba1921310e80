package plain

import "searchrl/checkpoint"

// CacheBlockBytes is what a block of a model of configuration cfg takes in the prefix cache.
func CacheBlockBytes(cfg checkpoint.Config) int64 {
	return int64(cfg.Layers*2*cfg.KVHeads*cfg.HeadDim*BlockSize) * 4
}

// CachedBlocks is the number of blocks that the prefix cache thinks it has.
func (m *Model) CachedBlocks() int64 { return m.cache.nodes }

// CountCachedBlocks counts them.
func (m *Model) CountCachedBlocks() int64 { return m.cache.root.count() - 1 }

func (n *node) count() int64 {
	total := int64(1)
	for _, child := range n.children {
		total += child.count()
	}
	return total
}
