//! Floor 2: tensors with right gradients, blocks, initialisation, optimisers. The only room that knows the insides of candle and cudarc.
