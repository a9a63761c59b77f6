import LockstepDatasets
import LockstepEngine
import LockstepFiles
import LockstepFold
import LockstepLayers

extension ModelSource {
  /// Runs every primitive and kernel of the plans for shards of these sizes once, on fixed data and
  /// fixed weights, on every thread, and hashes what comes out.
  ///
  /// Equal hashes on all ranks say that the same examples give the same bits wherever they are
  /// computed, which names of processors and versions of libraries only make likely. Weights and
  /// statistics are as before afterwards.
  ///
  /// - Parameter meeting: makes ranks meet that share their parameters: all write the same values to
  ///   them, but none before all have saved them, or while one still computes.
  /// - Throws: `ProbeError` where two threads of this rank differ.
  package func probe(
    shardSizes: Set<Int>, meeting: () throws -> Void = {}
  ) throws -> [(name: String, fingerprint: Fingerprint)] {
    let held = [memory.parameters, memory.runningStatistics]
    let saved = held.map { Array($0) }
    if memory.isShared { try meeting() }
    let result = Result { try probe(shardSizes) }
    if memory.isShared { try meeting() }
    for (buffer, values) in zip(held, saved) { _ = buffer.update(fromContentsOf: values) }
    return try result.get()
  }

  private func probe(
    _ shardSizes: Set<Int>
  ) throws -> [(name: String, fingerprint: Fingerprint)] {
    guard FloatingPoint.flushDenormals() else { throw StepError.noFlushToZero }
    var random = CounterGenerator(seed: 0, .synthesis, index: .max)
    let (trainable, frozen) = (memory.trainableLayout.slots, memory.frozenLayout.slots)
    for (slots, buffer) in [(trainable, memory.trainable), (frozen, memory.frozen)] {
      for slot in slots { for i in slot.range { buffer[i] = random.nextFraction() } }
    }
    for slot in memory.statisticLayout.slots {
      for i in slot.range { memory.runningStatistics[i] = 0.5 + random.nextFraction().magnitude }
    }

    var found: [(name: String, fingerprint: Fingerprint)] = []
    let forms = model.forms
    let sizes = shardSizes.sorted().filter { $0 > 0 }
    for (size, form) in sizes.flatMap({ size in forms.indices.map { (size, $0) } }) {
      let plan = try plans.plan(size, form: form)
      try plan.packParameters()
      let words = plan.summary.map { "\($0.label) \($0.implementation)" }.joined(separator: "\n")
      let which = "\(size) examples" + forms[form].note
      found.append(("the implementations for \(which)", Fingerprint(of: words)))
      var hashes = [Fingerprint?](repeating: nil, count: lanes.count)
      try hashes.withUnsafeMutableBufferPointer { hashes in
        let hashes = hashes  // each thread writes its own element
        try crew.run { thread in
          hashes[thread] = try Self.probe(
            lanes[thread].executor(plan), forms[form].dataset)
        }
      }
      if let thread = hashes.firstIndex(where: { $0 != hashes[0] }) {
        throw ProbeError(size: size, thread: thread)
      }
      found.append(("the kernels' results for \(which)", hashes[0]!))
    }
    return found
  }

  /// The hash of a leaf and the numbers beside it.
  private static func probe(
    _ executor: ShardExecutor, _ source: any ExampleSource
  ) throws -> Fingerprint {
    let lane = executor.lane
    for (place, field) in source.inputFields.enumerated() {
      fill(lane, field, seed: place == 0 ? 1 : 3 + UInt64(place)) { $0 }
    }
    for (place, field) in source.labelFields.enumerated() {
      fill(lane, field, seed: place == 0 ? 2 : 0x100 + UInt64(place)) { $0.magnitude }
    }
    for (place, state) in lane.plan.program.graph.carriedStates.enumerated() {
      guard let values = lane.input(state.input)?.bindMemory(to: Float.self) else { continue }
      var random = CounterGenerator(
        seed: 0x200 + UInt64(place), .synthesis, index: .max)
      for i in values.indices { values[i] = random.nextFraction() }
    }
    if let rows = lane.input(Distillation.teacherInput)?.bindMemory(to: Float.self) {
      var random = CounterGenerator(seed: 3, .synthesis, index: .max)
      for i in rows.indices { rows[i] = random.nextFraction() }
    }
    MixedLabelPorts(lane)?.fill(labels: source.labelFields.first)
    let leaf = Arena<Float>(count: lane.plan.leafCount)
    try lane.run(RunContext(seed: 1, step: 1, firstExample: 0), leaf: leaf.base)
    var stream = FingerprintStream()
    stream.update(UnsafeRawBufferPointer(leaf.buffer))
    for index in lane.plan.program.scalars.indices {
      stream.update(UInt64(lane.scalar(index).bitPattern))
    }
    for index in lane.plan.program.outputs.indices {
      stream.update(UnsafeRawBufferPointer(lane.output(index)))
    }
    withExtendedLifetime(leaf) {}
    return stream.fingerprint
  }

  /// Fills a field's part of a lane: integers count up to the field's limit, numbers are random.
  private static func fill(
    _ lane: Lane, _ field: ExampleField, seed: UInt64, _ change: (Float) -> Float
  ) {
    guard let bytes = lane.input(field.name) else { return }
    if field.isInteger {
      let values = bytes.bindMemory(to: Int32.self)
      // A sequence has one step at the least.
      let first = field.name == SequenceLengths.inputName ? 1 : 0
      let count = max((field.limit ?? 2) - first, 1)
      for i in values.indices { values[i] = Int32(first + i % count) }
    } else {
      var random = CounterGenerator(seed: seed, .synthesis, index: .max)
      let values = bytes.bindMemory(to: Float.self)
      for i in values.indices { values[i] = change(random.nextFraction()) }
    }
  }
}

/// Two threads of a rank compute different bits.
package struct ProbeError: Error, Equatable, CustomStringConvertible {
  /// The number of examples of the shard.
  package let size: Int
  /// The thread whose results differ from the first one's.
  package let thread: Int
  package var description: String {
    "thread \(thread) computes other bits than thread 0 for a shard of \(size) examples: the "
      + "processors of this machine differ, or its memory cannot be trusted"
  }
}

extension CounterGenerator {
  /// A multiple of 2^-24 in [−½, ½).
  fileprivate mutating func nextFraction() -> Float { Float(nextWord() >> 8) * 0x1p-24 - 0.5 }
}
