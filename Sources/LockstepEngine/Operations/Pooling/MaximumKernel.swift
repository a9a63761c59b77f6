internal import CLockstepKernels
internal import COneDNN

/// A max pooling by our own kernels. A library's compare, choose and keep places four bytes wide; these move
/// what memory moves (docs/kernels.md).
struct MaximumKernel {
  /// Where the kernels are called, in profiles.
  static let name = "pooling"

  /// The number of channels side by side at each point.
  let side: Int
  /// The window, and the planes of all groups of so many channels.
  let shape: lockstep_pooling
  /// The layouts of x and y.
  let source, result: MemoryDescriptor

  /// The kernels for a layout of x; nil where oneDNN computes: values are not Float32 or lie otherwise, or a
  /// byte cannot name each place of the window.
  init?(_ window: Window, _ source: MemoryDescriptor, _ shape: [Int]) throws {
    let places = window.kernel[0].multipliedReportingOverflow(by: window.kernel[1])
    guard let side = source.channelWidth, let result = try source.sameChannels(shape),
      !places.overflow, places.partialValue <= Int(LOCKSTEP_POOLING_PLACES),
      // A window in the padding alone has no largest value.
      (0..<2).allSatisfy({ window.paddingHigh[$0] < window.kernel[$0] })
    else { return nil }
    self.side = side
    self.source = source
    self.result = result
    let groups = (shape[1] + side - 1) / side
    self.shape = window.pooling(planes: shape[0] * groups, from: source.shape, to: shape)
  }

  /// A byte for each value of y.
  var places: MemoryDescriptor {
    get throws { try .plain([(result.byteCount / 4 + 3) / 4], .int32) }
  }
}

extension Window {
  /// The window over so many planes of an input [N, C, H, W], for the kernels.
  func pooling(planes: Int, from: [Int], to: [Int]) -> lockstep_pooling {
    lockstep_pooling(
      planes: planes, height: from[2], width: from[3], rows: to[2], columns: to[3],
      kernel_height: kernel[0], kernel_width: kernel[1],
      stride_down: strides[0], stride_across: strides[1],
      padding_top: paddingLow[0], padding_left: paddingLow[1])
  }
}

extension Pooling {
  /// Lowers a max pooling.
  func lower(
    _ site: PlanBuilder.Site, _ plan: PlanBuilder, _ source: Memory, with kernel: MaximumKernel
  ) throws {
    let y = plan.define(site.outputs[0], kernel.result)
    let places = plan.define(site.outputs[1], try kernel.places)
    let kernels = plan.isa.poolingKernels
    plan.emit([source, y, places], calling: MaximumKernel.name) { addresses in
      let (x, y) = (addresses[0].floats, addresses[1].floats)
      let places = addresses[2].assumingMemoryBound(to: UInt8.self)
      return { _ in
        var shape = kernel.shape
        kernels.pointee.maximum(y, places, x, kernel.side, &shape)
      }
    }
  }
}

extension PoolingGradient {
  /// The kernels that the forward pass was computed by; nil where oneDNN computed it.
  func maximumKernel(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws -> MaximumKernel? {
    guard pooling.kind == .maximum, let forward = plan.graph.values[site.inputs[1]].producer
    else { return nil }
    let x = try plan.memory(plan.graph.nodes[forward].inputs[0]).descriptor
    return try MaximumKernel(pooling.window, x, plan.type(site.inputs[0]).shape)
  }

  /// Lowers the gradient of a max pooling.
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder, with kernel: MaximumKernel) throws {
    let dy = try plan.memory(site.inputs[0], as: kernel.result)
    let places = try plan.memory(site.inputs[1])
    let dx = plan.define(site.outputs[0], kernel.source)
    let kernels = plan.isa.poolingKernels
    plan.emit([dy, places, dx], calling: MaximumKernel.name) { addresses in
      let (dy, dx) = (addresses[0].floats, addresses[2].floats)
      let places = addresses[1].assumingMemoryBound(to: UInt8.self)
      return { _ in
        var shape = kernel.shape
        kernels.pointee.maximum_gradient(dx, dy, places, kernel.side, &shape)
      }
    }
  }
}

extension InstructionSet {
  /// The kernels of max pooling.
  fileprivate var poolingKernels: UnsafePointer<lockstep_pooling_kernels> {
    lockstep_pooling_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
