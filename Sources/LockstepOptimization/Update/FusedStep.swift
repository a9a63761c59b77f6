internal import CLockstepKernels

/// The last pass of a common chain as one kernel: scale, decay, direction, decay, rate, step.
///
/// The kernel computes what the chain's kernels compute one after another, value by value and
/// operation by operation, so that its bits are theirs.
struct FusedStep {
  private enum Direction {
    case adam(BoundAdam)
    case momentum(BoundMomentum)
    case gradient
  }

  private var clip: BoundScaling?
  private var coupled: BoundDecay?
  private var direction = Direction.gradient
  private var decoupled: BoundDecay?
  private let rate: BoundLearningRate
  private let kernels: Kernels

  /// Nil where the transforms are not of the kind
  /// [clip] [decay] [Adam or momentum] [decay] learning rate.
  init?(_ transforms: ArraySlice<any BoundTransform>, kernels: Kernels) {
    guard let rate = transforms.last as? BoundLearningRate else { return nil }
    self.rate = rate
    self.kernels = kernels
    var rest = transforms.dropLast()
    if let clip = rest.first as? BoundScaling {
      self.clip = clip
      rest = rest.dropFirst()
    }
    if let decay = rest.first as? BoundDecay {
      coupled = decay
      rest = rest.dropFirst()
    }
    if let adam = rest.first as? BoundAdam, adam.largest == nil {
      direction = .adam(adam)
      rest = rest.dropFirst()
    } else if let momentum = rest.first as? BoundMomentum {
      direction = .momentum(momentum)
      rest = rest.dropFirst()
    }
    if let decay = rest.first as? BoundDecay {
      decoupled = decay
      rest = rest.dropFirst()
    }
    guard rest.isEmpty else { return nil }
  }

  /// Whether this step's scalars let a slot be updated so, and do not ask for the long way.
  func isReady(slot: Int) -> Bool {
    if let clip {
      if clip.clippedNorm == nil { return false }
      if clip.isActive(slot: slot), clip.scales[slot].isSplit { return false }
    }
    if case .adam(let adam) = direction, adam.constants.plain != 0 { return false }
    return true
  }

  /// Updates a block, or a part of one, of a slot that is ready.
  func apply(_ block: BlockView, parameters: UnsafeMutablePointer<Float>) {
    var step = lockstep_fused_step()
    step.scale = 1
    if let clip, clip.isActive(slot: block.slot) { step.scale = clip.scales[block.slot].first }
    if let coupled, coupled.isActive(slot: block.slot) {
      step.has_coupled = 1
      step.coupled = coupled.rates[block.slot]
    }
    if let decoupled, decoupled.isActive(slot: block.slot) {
      step.has_decoupled = 1
      step.decoupled = decoupled.rates[block.slot]
    }
    step.rate = rate.rates[block.slot]
    switch direction {
    case .adam(let adam):
      var constants = adam.constants
      kernels.update.adam_step(
        parameters, block.input, adam.first.base + block.offset, adam.second.base + block.offset,
        &constants, &step, block.count)
    case .momentum(let momentum):
      var constants = momentum.constants
      kernels.update.momentum_step(
        parameters, block.input, momentum.buffer.base + block.offset, &constants, &step,
        block.count)
    case .gradient:
      // Without momentum the kernel touches no buffer; it is handed the parameters.
      var constants = lockstep_momentum()
      kernels.update.momentum_step(
        parameters, block.input, parameters, &constants, &step, block.count)
    }
  }
}
