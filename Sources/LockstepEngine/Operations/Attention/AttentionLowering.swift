internal import CLockstepKernels

extension Attention: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let call = try AttentionCall(self, site.inputs, plan)
    let results = try site.outputs.map { plan.define($0, try .plain(plan.type($0).shape)) }
    let forward = plan.isa.attentionKernels.pointee.forward!
    plan.emit(results + [call.scratch] + call.inputs, calling: name) { addresses in
      let (y, statistics) = (addresses[0].floats, addresses[1].floats)
      let scratch = addresses[2].floats
      var operands = call.operands(addresses[3...])
      let lengths = call.lengths(addresses)
      return { context in
        var shape = call.shape
        call.withMask(context) { mask in
          forward(&shape, y, statistics, &operands, lengths, mask, scratch)
        }
      }
    }
  }
}

extension AttentionGradient: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let call = try AttentionCall(attention, Array(site.inputs[3...]), plan)
    let known = try site.inputs[..<3].map(plan.plain)
    let results = try site.outputs.map { plan.define($0, try .plain(plan.type($0).shape)) }
    let gradient = plan.isa.attentionKernels.pointee.gradient!
    plan.emit(known + results + [call.scratch] + call.inputs, calling: attention.name) {
      addresses in
      let (dy, y, statistics) = (addresses[0].floats, addresses[1].floats, addresses[2].floats)
      let outputs = addresses[3..<3 + results.count].map(\.floats)
      var targets = call.targets(outputs)
      let scratch = addresses[3 + results.count].floats
      var operands = call.operands(addresses[(4 + results.count)...])
      let lengths = call.lengths(addresses)
      return { context in
        var shape = call.shape
        call.withMask(context) { mask in
          gradient(&shape, &targets, dy, y, statistics, &operands, lengths, mask, scratch)
        }
      }
    }
  }
}

extension AttentionTangent: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let count = attention.operandCount
    let lengths = site.inputs.dropFirst(1 + 2 * count)
    let call = try AttentionCall(attention, site.inputs[1...count] + lengths, plan)
    let statistics = try plan.plain(site.inputs[0])
    let movements = try site.inputs[(1 + count)...(2 * count)].map(plan.plain)
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0]).shape))
    let tangent = plan.isa.attentionKernels.pointee.tangent!
    plan.emit([statistics, result, call.scratch] + movements + call.inputs) { addresses in
      let (statistics, dy) = (addresses[0].floats, addresses[1].floats)
      let scratch = addresses[2].floats
      var movement = call.operands(addresses[3...])
      var operands = call.operands(addresses[(3 + count)...])
      let lengths = call.lengths(addresses)
      return { context in
        var shape = call.shape
        call.withMask(context) { mask in
          tangent(&shape, dy, statistics, &operands, &movement, lengths, mask, scratch)
        }
      }
    }
  }
}

extension Attention: ShardwiseLowerable {
  /// Heads of examples are computed one after the other, and a mask follows from an example's place in the
  /// batch.
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.factor == .float32 && plan.arePerExample(site.inputs)
  }
}

extension AttentionGradient: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.factor == .float32 && plan.arePerExample(site.inputs)
  }
}

/// What the kernels of an attention and of its derivatives share.
private struct AttentionCall {
  let shape: lockstep_attention
  let scratch: Memory
  /// The attention's inputs: operands, and lengths if there are any. They are the last of a step's memories.
  let inputs: [Memory]
  private let isPacked: Bool
  private let hasLengths: Bool
  private let dropout: Dropout?
  private var width: Int { shape.heads * shape.width }

  init(
    _ attention: Attention, _ inputs: some Collection<Graph.ValueID>, _ plan: PlanBuilder
  ) throws {
    let sizes = Attention.Sizes(attention, inputs.map(plan.type))
    let headWidth = sizes.width / attention.heads
    let stride = attention.isPacked ? 3 * sizes.width : sizes.width
    var shape = lockstep_attention(
      examples: sizes.examples, heads: attention.heads, queries: sizes.queries, keys: sizes.keys,
      width: headWidth, query_stride: stride, key_stride: stride,
      causal: attention.isCausal ? 1 : 0, scale: 1 / Float(headWidth).squareRoot())
    self.shape = shape
    self.inputs = try inputs.map(plan.plain)
    scratch = plan.scratch(lockstep_attention_scratch(&shape) * MemoryLayout<Float>.stride)
    isPacked = attention.isPacked
    hasLengths = inputs.count > attention.operandCount
    dropout = attention.dropout
  }

  /// Where queries, keys and values begin, from the addresses of operands.
  func operands(_ addresses: ArraySlice<UnsafeMutableRawPointer>) -> lockstep_attention_inputs {
    let parts = parts(addresses.map(\.floats))
    return lockstep_attention_inputs(q: parts[0], k: parts[1], v: parts[2])
  }

  /// Where their gradients begin.
  func targets(_ addresses: [UnsafeMutablePointer<Float>]) -> lockstep_attention_gradients {
    let parts = parts(addresses)
    return lockstep_attention_gradients(q: parts[0], k: parts[1], v: parts[2])
  }

  private func parts(
    _ addresses: [UnsafeMutablePointer<Float>]
  ) -> [UnsafeMutablePointer<Float>] {
    isPacked ? (0..<3).map { addresses[0] + $0 * width } : addresses
  }

  /// The lengths, the last of a step's memories.
  func lengths(_ addresses: [UnsafeMutableRawPointer]) -> UnsafeMutablePointer<Int32>? {
    hasLengths ? addresses.last?.integers : nil
  }

  func withMask(_ context: RunContext, _ body: (UnsafePointer<lockstep_dropout>?) -> Void) {
    guard let dropout else { return body(nil) }
    var mask = dropout.mask(context)
    body(&mask)
  }
}

extension InstructionSet {
  fileprivate var attentionKernels: UnsafePointer<lockstep_attention_kernels> {
    lockstep_attention_kernels_for(lockstep_isa(rawValue: rawValue))
  }
}
