internal import COneDNN

/// Steps with their addresses: what is run, over and over.
final class BoundSchedule {
  private enum BoundStep {
    /// `adding` runs instead where gradients are added to a sum.
    case primitive(
      OpaquePointer, adding: OpaquePointer?, UnsafeMutablePointer<dnnl_exec_arg_t>, Int32)
    case kernel(Kernel)
  }

  private var steps: [BoundStep] = []
  private let labels: [String]
  private var memories: [OpaquePointer] = []
  /// Keeps the primitives alive.
  private let source: [PlanStep]

  /// Binds steps to the addresses of the regions they use.
  init(_ source: [PlanStep], addresses: [Region: UnsafeMutableRawPointer]) throws {
    self.source = source
    labels = source.map(\.label)
    let engine = try OneDNNEngine.shared().handle
    func address(_ memory: Memory) throws -> UnsafeMutableRawPointer {
      guard let base = addresses[memory.buffer.region] else {
        throw GraphError("internal: region \(memory.buffer.region) has no address")
      }
      return base + memory.buffer.offset + memory.byteOffset
    }
    func bind(
      _ primitive: Primitive, adding: Primitive?, _ arguments: [(argument: Int32, memory: Memory)]
    ) throws {
      let bound = UnsafeMutablePointer<dnnl_exec_arg_t>.allocate(capacity: arguments.count)
      steps.append(
        .primitive(primitive.handle, adding: adding?.handle, bound, Int32(arguments.count)))
      for (index, argument) in arguments.enumerated() {
        var memory: OpaquePointer?
        try check(
          "memory",
          lockstep_memory_create(
            &memory, argument.memory.descriptor.handle, engine, try address(argument.memory)))
        memories.append(memory!)
        bound[index] = dnnl_exec_arg_t(arg: argument.argument, memory: memory)
      }
    }
    for step in source {
      switch step.action {
      case .primitive(let primitive, let arguments):
        try bind(primitive, adding: nil, arguments)
      case .accumulating(let primitive, let adding, let arguments):
        try bind(primitive, adding: adding, arguments)
      case .kernel(let memories, let bind):
        steps.append(.kernel(bind(try memories.map(address))))
      }
    }
  }

  deinit {
    for step in steps {
      if case .primitive(_, _, let arguments, _) = step { arguments.deallocate() }
    }
    for memory in memories { dnnl_memory_destroy(memory) }
  }

  /// Runs all steps in order.
  func run(_ context: RunContext, _ stream: OneDNNStream) throws {
    try run(steps.indices, context, stream)
  }

  /// Runs some of the steps in order.
  func run(
    _ part: Range<Int>, _ context: RunContext, _ stream: OneDNNStream
  ) throws {
    for index in part { try run(index, context, stream) }
  }

  @inline(__always)
  private func run(
    _ index: Int, _ context: RunContext, _ stream: OneDNNStream
  ) throws {
    switch steps[index] {
    case .primitive(let primitive, let adding, let arguments, let count):
      let chosen = context.accumulates ? adding ?? primitive : primitive
      try check(labels[index], lockstep_execute(chosen, stream.handle, count, arguments))
    case .kernel(let kernel): try kernel(context)
    }
  }

  /// Runs all steps in order and hands each one's number, start and end to `visit`.
  func profile(
    _ context: RunContext, _ stream: OneDNNStream, clock: () -> UInt64,
    _ visit: (_ step: Int, _ start: UInt64, _ end: UInt64) -> Void
  ) throws {
    var start = clock()
    for index in steps.indices {
      try run(index, context, stream)
      let end = clock()
      visit(index, start, end)
      start = end
    }
  }
}
