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
  init?(_ transforms: ArraySlice<any InspectedTransform>, kernels: Kernels) {
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

  /// The step of a slot that is ready, over whole arenas, with nothing left to look up.
  func bound(
    toSlot slot: Int, input: UnsafePointer<Float>, parameters: UnsafeMutablePointer<Float>
  ) -> BoundStep {
    var step = lockstep_fused_step()
    step.scale = 1
    if let clip, clip.isActive(slot: slot) { step.scale = clip.scales[slot].first }
    if let coupled, coupled.isActive(slot: slot) {
      step.has_coupled = 1
      step.coupled = coupled.rates[slot]
    }
    if let decoupled, decoupled.isActive(slot: slot) {
      step.has_decoupled = 1
      step.decoupled = decoupled.rates[slot]
    }
    step.rate = rate.rates[slot]
    let kind: BoundStep.Kind
    switch direction {
    case .adam(let adam):
      kind = .adam(
        kernels.update.adam_step, adam.constants, adam.first.base,
        adam.second.base)
    case .momentum(let momentum):
      kind = .momentum(
        kernels.update.momentum_step, momentum.constants, momentum.buffer.base)
    case .gradient:
      // Without momentum the kernel touches no buffer; it is handed the parameters.
      kind = .momentum(kernels.update.momentum_step, lockstep_momentum(), parameters)
    }
    return BoundStep(kind: kind, step: step, input: input, parameters: parameters)
  }
}

/// A fused step bound to a slot: addresses and numbers alone. Counting references between two parts
/// would make the processor wait for its stores to memory, and cost a third of the speed.
struct BoundStep {
  enum Kind {
    case adam(
      @convention(c) (
        UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
        UnsafeMutablePointer<Float>, UnsafePointer<lockstep_adam>,
        UnsafePointer<lockstep_fused_step>, Int
      ) -> Void, lockstep_adam, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>)
    case momentum(
      @convention(c) (
        UnsafeMutablePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
        UnsafePointer<lockstep_momentum>, UnsafePointer<lockstep_fused_step>, Int
      ) -> Void, lockstep_momentum, UnsafeMutablePointer<Float>)
  }

  let kind: Kind
  let step: lockstep_fused_step
  let input: UnsafePointer<Float>
  let parameters: UnsafeMutablePointer<Float>

  /// Steps the `count` values from `start` on.
  func apply(_ start: Int, _ count: Int) {
    withUnsafePointer(to: step) { step in
      switch kind {
      case .adam(let kernel, let constants, let first, let second):
        withUnsafePointer(to: constants) {
          kernel(parameters + start, input + start, first + start, second + start, $0, step, count)
        }
      case .momentum(let kernel, let constants, let buffer):
        withUnsafePointer(to: constants) {
          kernel(parameters + start, input + start, buffer + start, $0, step, count)
        }
      }
    }
  }
}
