internal import CLockstepKernels

extension SynchronizedNormalization: Lowerable, AbsorbsRectifier {
  var rectifiedGradientReadsShift: Bool { true }

  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let rectified = plan.fusion.rectified[site.index]
    let source = try plan.channels(site.inputs[0])
    let layout = ChannelLayout(source.descriptor, plan.type(site.inputs[0]))
    let channels = layout.channels
    let kernels = plan.isa.normalizationKernels
    let vector = plan.scratch((1 + 2 * channels) * 8)
    plan.emit([source, vector]) { addresses in
      let (x, vector) = (addresses[0].floats, addresses[1].doubles)
      return { _ in
        vector[0] = layout.valuesPerChannel
        var shape = layout.shape
        kernels.pointee.moments(vector + 1, vector + 1 + channels, x, &shape)
      }
    }
    plan.synchronize(vector)
    let statistics = try site.outputs[1...3].map { plan.define($0, try .plain([channels])) }
    let epsilon = Double(epsilon)
    plan.emit(
      [
        source, vector, try plan.plain(site.inputs[1]), try plan.plain(site.inputs[2]),
        plan.scratch(layout.coefficientBytes),
        try plan.defineSpatial(rectified ?? site.outputs[0], like: source),
      ] + statistics
    ) { addresses in
      let (x, vector, y) = (addresses[0].floats, addresses[1].doubles, addresses[5].floats)
      let (gamma, beta) = (addresses[2].floats, addresses[3].floats)
      let (mean, biased) = (addresses[6].floats, addresses[7].floats)
      let unbiased = addresses[8].floats
      let coefficients = layout.coefficients(at: addresses[4].floats, rectifies: rectified != nil)
      return { _ in
        let count = vector[0]
        for c in 0..<channels {
          let squares = vector[1 + channels + c]
          mean[c] = Float(vector[1 + c])
          biased[c] = Float(squares / count)
          unbiased[c] = Float(squares / max(count - 1, 1))
        }
        coefficients.set(mean: mean, variance: biased, gamma: gamma, beta: beta, epsilon: epsilon)
        var (shape, known) = (layout.shape, coefficients.known)
        kernels.pointee.normalize(y, x, &known, &shape)
      }
    }
  }
}

extension SynchronizedNormalizationGradient: Lowerable, AbsorbsRectifierGradient {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let rectified = plan.fusion.rectifiedGradient[site.index]
    let incoming = rectified?.gradient ?? site.inputs[1]
    let source = try plan.channels(site.inputs[0])
    let dy = try plan.spatial(incoming, as: source.descriptor)
    let layout = ChannelLayout(source.descriptor, plan.type(site.inputs[0]))
    let channels = layout.channels
    let kernels = plan.isa.normalizationKernels
    let known = try site.inputs[2...4].map(plan.plain)
    // The sign of the result behind a ReLU is computed once more, which takes the shift.
    let shift = try rectified.map { try plan.plain(plan.graph.nodes[$0.forward].inputs[2]) }
    let (vector, scratch) = (
      plan.scratch((1 + 2 * channels) * 8), plan.scratch(layout.coefficientBytes)
    )
    let parts = try site.outputs[1...2].map { plan.define($0, try .plain([channels])) }
    let epsilon = Double(epsilon)
    plan.emit([source, dy, vector, scratch] + known + parts + (shift.map { [$0] } ?? [])) {
      addresses in
      let (x, dy, vector) = (addresses[0].floats, addresses[1].floats, addresses[2].doubles)
      let (gamma, mean, variance) = (
        addresses[4].floats, addresses[5].floats, addresses[6].floats
      )
      let (dgamma, dbeta) = (addresses[7].floats, addresses[8].floats)
      let beta = addresses.count > 9 ? addresses[9].floats : nil
      let coefficients = layout.coefficients(at: addresses[3].floats, rectifies: beta != nil)
      return { _ in
        coefficients.set(mean: mean, variance: variance, gamma: gamma, beta: beta, epsilon: epsilon)
        vector[0] = layout.valuesPerChannel
        let (sums, products) = (vector + 1, vector + 1 + channels)
        var (shape, known) = (layout.shape, coefficients.known)
        kernels.pointee.gradient_sums(sums, products, dy, x, &known, &shape)
        for c in 0..<channels {
          dbeta[c] = Float(sums[c])
          dgamma[c] = Float(products[c] / (Double(variance[c]) + epsilon).squareRoot())
        }
      }
    }
    plan.synchronize(vector)
    let dx = try plan.defineSpatial(
      site.outputs[0], like: source, reusing: incoming, in: site)
    plan.emit([source, dy, vector, scratch, known[2], dx]) { addresses in
      let (x, dy, vector) = (addresses[0].floats, addresses[1].floats, addresses[2].doubles)
      let (variance, dx) = (addresses[4].floats, addresses[5].floats)
      let coefficients = layout.coefficients(
        at: addresses[3].floats, rectifies: rectified != nil)
      return { _ in
        coefficients.setGradient(sums: vector, variance: variance, epsilon: epsilon)
        var (shape, known) = (layout.shape, coefficients.known)
        kernels.pointee.gradient(dx, dy, x, &known, &shape)
      }
    }
  }
}

extension PlanBuilder {
  /// A value [N, C, …] in a layout that the kernels of channels walk: its own, or row-major.
  func channels(_ value: Graph.ValueID) throws -> Memory {
    let memory = try spatial(value)
    if memory.descriptor.channelWidth != nil { return memory }
    return try spatial(value, as: .plain(type(value)))
  }
}

/// How the channels of a tensor lie, and how many values each has.
private struct ChannelLayout {
  let channels: Int
  /// The channels with what pads the last group.
  let padded: Int
  let valuesPerChannel: Double
  let shape: lockstep_channels

  init(_ descriptor: MemoryDescriptor, _ type: TensorType) {
    // `channels(_:)` lets no other layout through.
    let width = descriptor.channelWidth!
    let points = type.shape[2...].reduce(1, *)
    channels = type.shape[1]
    padded = (channels + width - 1) / width * width
    valuesPerChannel = Double(type.shape[0] * points)
    // One group of all channels goes on from one example to the next.
    let isOne = padded == width
    shape = lockstep_channels(
      examples: isOne && width > 1 ? 1 : type.shape[0], channels: channels,
      points: isOne && width > 1 ? type.shape[0] * points : points, width: width)
  }

  /// Five numbers for each channel and for what pads the last group.
  var coefficientBytes: Int { 5 * padded * 4 }

  func coefficients(at base: UnsafeMutablePointer<Float>, rectifies: Bool) -> Coefficients {
    Coefficients(base: base, channels: channels, padded: padded, rectifies: rectifies)
  }
}

/// What the kernels need to know of each channel, in scratch memory.
private struct Coefficients {
  let base: UnsafeMutablePointer<Float>
  let channels: Int
  let padded: Int
  let rectifies: Bool

  private var mean: UnsafeMutablePointer<Float> { base }
  private var scale: UnsafeMutablePointer<Float> { base + padded }
  private var shift: UnsafeMutablePointer<Float> { base + 2 * padded }
  private var constant: UnsafeMutablePointer<Float> { base + 3 * padded }
  private var slope: UnsafeMutablePointer<Float> { base + 4 * padded }

  var known: lockstep_normalization {
    lockstep_normalization(
      mean: mean, scale: scale, shift: shift, constant: constant, slope: slope,
      rectifies: rectifies ? 1 : 0)
  }

  func set(
    mean: UnsafePointer<Float>, variance: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
    beta: UnsafePointer<Float>?, epsilon: Double
  ) {
    base.update(repeating: 0, count: 5 * padded)
    for c in 0..<channels {
      self.mean[c] = mean[c]
      scale[c] = Float(Double(gamma[c]) / (Double(variance[c]) + epsilon).squareRoot())
      shift[c] = beta?[c] ?? 0
    }
  }

  /// - Parameter sums: the number of values, and of each channel Σ dy and Σ dy (x − μ).
  func setGradient(
    sums: UnsafePointer<Double>, variance: UnsafePointer<Float>, epsilon: Double
  ) {
    for c in 0..<channels {
      let factor = Double(scale[c]) / sums[0]
      constant[c] = Float(factor * sums[1 + c])
      slope[c] = Float(factor * sums[1 + channels + c] / (Double(variance[c]) + epsilon))
    }
  }
}

extension InstructionSet {
  /// The kernels of batch normalisation over several shards.
  fileprivate var normalizationKernels: UnsafePointer<lockstep_normalization_kernels> {
    lockstep_normalization_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
