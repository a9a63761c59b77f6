internal import CLockstepKernels
internal import COneDNN

/// A 3×3 convolution by Winograd's algorithm F(2×2, 3×3), by kernels of our own: 16 products where the direct sum has
/// 36 (docs/kernels.md). They are for AVX2, where oneDNN has none of the kind.
///
/// Source: A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.
struct Winograd {
  /// Where the kernels are called, in profiles.
  static let name = "winograd 2x2"

  let kernels: lockstep_winograd_kernels
  private var shape: lockstep_winograd

  /// The kernels for a convolution of images x that gives y; nil where oneDNN computes.
  init?(_ convolution: Convolution, _ x: [Int], _ y: [Int], _ plan: PlanBuilder) {
    let window = convolution.window
    guard plan.isa == .avx2, plan.options.convolutions == .automatic, plan.factor == .float32,
      convolution.groups == 1, window.kernel == [3, 3], window.strides == [1, 1],
      window.dilations == [1, 1], window.paddingLow.allSatisfy({ $0 <= 2 }),
      Self.fits(x[1]), Self.fits(y[1]), Self.pays(y), Self.pays(x),
      let kernels = plan.isa.winogradKernels?.pointee
    else { return nil }
    self.kernels = kernels
    shape = lockstep_winograd(
      images: x[0], channels: x[1], height: x[2], width: x[3], input_side: 0,
      outputs: y[1], rows: y[2], columns: y[3], output_side: 0,
      padding_top: window.paddingLow[0], padding_left: window.paddingLow[1])
  }

  /// Whole vectors of channels, and enough of them that turning tiles is little beside the products.
  private static func fits(_ channels: Int) -> Bool { channels % 8 == 0 && channels >= 16 }

  /// Whether little of the tiles of 2×2 results is wasted.
  private static func pays(_ result: [Int]) -> Bool {
    let (rows, columns) = (result[2], result[3])
    let places = 4 * ((rows + 1) / 2) * ((columns + 1) / 2)
    return 20 * rows * columns >= 13 * places
  }

  /// The convolution of dy that gives dx: the weights' rows and columns are taken from behind.
  var ofGradient: Winograd {
    var turned = self
    turned.shape = lockstep_winograd(
      images: shape.images, channels: shape.outputs, height: shape.rows, width: shape.columns,
      input_side: 0, outputs: shape.channels, rows: shape.height, columns: shape.width,
      output_side: 0, padding_top: 2 - shape.padding_top, padding_left: 2 - shape.padding_left)
    return turned
  }

  /// The shape where channels lie side by side as they do in memory.
  func shape(_ x: Memory, _ y: Memory) -> lockstep_winograd {
    var shape = shape
    shape.input_side = x.descriptor.channelWidth!
    shape.output_side = y.descriptor.channelWidth!
    return shape
  }

  /// A value as the kernels read it: as it lies where that is in whole vectors of channels.
  func images(_ value: Graph.ValueID, _ plan: PlanBuilder) throws -> Memory {
    let lies = try plan.memory(value)
    if let width = lies.descriptor.channelWidth, width % 8 == 0 { return lies }
    return try plan.memory(value, as: .image(plan.type(value).shape, LOCKSTEP_CHANNELS_BY_8))
  }

  /// A result in the layout of its neighbours.
  func define(_ value: Graph.ValueID, _ plan: PlanBuilder) throws -> Memory {
    plan.define(value, try .image(plan.type(value).shape, LOCKSTEP_CHANNELS_BY_8))
  }

  /// The weights, turned; those of a parameter when it changes.
  func weights(
    _ w: Graph.ValueID, isInputGradient: Bool, _ plan: PlanBuilder
  ) throws -> Memory {
    var shape = shape
    let count = lockstep_winograd_weights(&shape)
    let (given, kernels) = (shape, kernels)
    return try plan.turned(w, count, calling: Self.name) { turned, w in
      var shape = given
      kernels.weights(turned, w, isInputGradient ? 1 : 0, &shape)
    }
  }

  /// Calls a kernel with working memory, the last of the addresses that it is given.
  func emit(
    _ shape: lockstep_winograd, _ memories: [Memory], _ plan: PlanBuilder,
    _ kernel: @escaping ([UnsafeMutablePointer<Float>], UnsafePointer<lockstep_winograd>) -> Void
  ) {
    var own = shape
    let scratch = plan.scratch(lockstep_winograd_scratch(&own) * MemoryLayout<Float>.stride)
    plan.emit(memories + [scratch], calling: Self.name) {
      let addresses = $0.map(\.floats)
      return { _ in
        var shape = shape
        kernel(addresses, &shape)
      }
    }
  }
}

extension Winograd {
  /// Lowers y = x ⋆ w + b, rectified where ReLU is fused.
  func lower(
    _ site: PlanBuilder.Site, _ plan: PlanBuilder, rectifying output: Graph.ValueID?
  ) throws {
    let x = try images(site.inputs[0], plan)
    let turned = try weights(site.inputs[1], isInputGradient: false, plan)
    let bias = site.inputs.count > 2 ? try plan.plain(site.inputs[2]) : nil
    let y = try define(output ?? site.outputs[0], plan)
    let kernels = kernels
    emit(shape(x, y), [y, x, turned] + (bias.map { [$0] } ?? []), plan) { at, shape in
      kernels.forward(
        at[0], at[1], at[2], bias == nil ? nil : at[3], output == nil ? 0 : 1, at.last, shape)
    }
  }

  /// Lowers the gradient by x, from dy and w.
  func lowerInputGradient(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let gradient = ofGradient
    let dy = try images(site.inputs[0], plan)
    let turned = try gradient.weights(site.inputs[1], isInputGradient: true, plan)
    let dx = try define(site.outputs[0], plan)
    let kernels = kernels
    emit(gradient.shape(dy, dx), [dx, dy, turned], plan) { at, shape in
      kernels.forward(at[0], at[1], at[2], nil, 0, at[3], shape)
    }
  }

  /// Lowers the gradients by w and b, from x and dy.
  func lowerWeightGradient(
    _ site: PlanBuilder.Site, _ plan: PlanBuilder, bias: Bool
  ) throws {
    let (x, dy) = (try images(site.inputs[0], plan), try images(site.inputs[1], plan))
    let results = try site.outputs.prefix(bias ? 2 : 1).map {
      plan.define($0, try .plain(plan.type($0)))
    }
    let kernels = kernels
    emit(shape(x, dy), [x, dy] + results, plan) { at, shape in
      kernels.weight_gradient(at[2], bias ? at[3] : nil, at[0], at[1], at.last, shape)
    }
  }
}

extension InstructionSet {
  /// The kernels of Winograd's algorithm; nil without fused multiply-adds.
  fileprivate var winogradKernels: UnsafePointer<lockstep_winograd_kernels>? {
    lockstep_winograd_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
