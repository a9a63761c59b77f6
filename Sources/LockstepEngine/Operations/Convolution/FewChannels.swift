internal import CLockstepKernels
internal import COneDNN

/// The gradient by the weights of a convolution of one or two input channels, by a kernel of our own: a library
/// unfolds the image, and wants the result's gradient in planes (docs/kernels.md).
struct FewChannels {
  /// Where the kernel is called, in profiles.
  static let name = "few channels"

  let kernel: lockstep_convolution_kernels
  let shape: lockstep_convolution

  /// The kernel for a gradient dy that lies in a layout; nil where oneDNN computes.
  init?(
    _ convolution: Convolution, _ weight: [Int], _ x: [Int], _ dy: MemoryDescriptor,
    _ plan: PlanBuilder
  ) {
    let window = convolution.window
    guard weight[1] <= 2, convolution.groups == 1, window.dilations == [1, 1],
      plan.factor == .float32, let kernel = plan.isa.convolutionKernels?.pointee,
      let side = dy.channelWidth, side % 8 == 0
    else { return nil }
    self.kernel = kernel
    let rows = dy.shape
    shape = lockstep_convolution(
      images: x[0], channels: x[1], height: x[2], width: x[3],
      outputs: weight[0], side: side, rows: rows[2], columns: rows[3],
      kernel_height: weight[2], kernel_width: weight[3],
      stride_down: window.strides[0], stride_across: window.strides[1],
      padding_top: window.paddingLow[0], padding_left: window.paddingLow[1],
      padding_bottom: window.paddingHigh[0], padding_right: window.paddingHigh[1])
  }
}

extension ConvolutionWeightGradient {
  /// Lowers the gradient of a convolution of few channels.
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder, with few: FewChannels) throws {
    let (x, dy) = (try plan.plain(site.inputs[0]), try plan.memory(site.inputs[1]))
    var shape = few.shape
    let scratch = plan.scratch(lockstep_convolution_scratch(&shape) * MemoryLayout<Float>.stride)
    let dw = plan.define(site.outputs[0], try .plain(weightShape))
    let db = bias ? plan.define(site.outputs[1], try .plain([weightShape[0]])) : nil
    plan.emit([x, dy, scratch, dw] + (db.map { [$0] } ?? []), calling: FewChannels.name) {
      let (x, dy, scratch, dw) = ($0[0].floats, $0[1].floats, $0[2].floats, $0[3].floats)
      let db = $0.count > 4 ? $0[4].floats : nil
      return { _ in
        var shape = few.shape
        few.kernel.weight_gradient(dw, db, x, dy, scratch, &shape)
      }
    }
  }
}

extension InstructionSet {
  /// The kernels of convolutions of few channels; nil without fused multiply-adds.
  fileprivate var convolutionKernels: UnsafePointer<lockstep_convolution_kernels>? {
    lockstep_convolution_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
