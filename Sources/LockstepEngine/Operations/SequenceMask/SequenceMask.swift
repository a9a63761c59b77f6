/// Which positions of sequences count, from their lengths: Int32 [N] → Float32 [N, T] of zeros and ones.
package struct SequenceMask: Operation {
  /// The positions that get a one.
  package enum Kind: Sendable, Equatable {
    /// All of a sequence's own: those before its length.
    case valid
    /// The last of a sequence's own.
    case last
  }

  /// T, the number of positions of all sequences, padding included.
  package let positions: Int
  package let kind: Kind
  package var name: String { "sequence mask" }
  package var precisionRole: PrecisionRole { .exact }
  package func acceptsIntegers(_ input: Int) -> Bool { true }
  package func placeholders(_ inputs: [TensorType]) -> [TensorType] {
    [TensorType([inputs[0].shape.first ?? 1, positions])]
  }

  package func infer(_ inputs: [TensorType]) throws(GraphError) -> [TensorType] {
    let lengths = inputs[0]
    try expect(
      lengths.scalar == .int32 && lengths.shape.count == 1,
      "expects lengths [N] of Int32, got \(lengths.scalar) \(lengths.shape)")
    try expect(positions > 0, "expects a positive number of positions, got \(positions)")
    return [TensorType([lengths.shape[0], positions])]
  }
  package func reverse(_ call: Call, _ gradients: [Tensor?]) -> [Tensor?] { [nil] }
  package func tangent(_ call: Call, _ tangents: [Tensor?]) -> [Tensor?]? { [nil] }

  func value(_ position: Int, of length: Int) -> Float {
    switch kind {
    case .valid: position < length ? 1 : 0
    case .last: position == length - 1 ? 1 : 0
    }
  }
}

extension Tensor {
  /// Ones at the positions of sequences that count, zeros behind their ends: lengths [N], Int32, to
  /// [N, T]. TensorFlow's `sequence_mask`.
  package func sequenceMask(
    positions: Int, _ kind: SequenceMask.Kind = .valid
  ) -> Tensor { apply(SequenceMask(positions: positions, kind: kind)) }
}

extension SequenceMask {
  package func evaluate(_ inputs: [HostTensor], _ context: ReferenceContext) -> [HostTensor] {
    let values = inputs[0].values.flatMap { length in
      (0..<positions).map { Double(value($0, of: Int(length))) }
    }
    return [HostTensor([inputs[0].values.count, positions], values)]
  }
}

extension SequenceMask: Lowerable {
  func lower(_ site: PlanBuilder.Site, _ plan: PlanBuilder) throws {
    let lengths = try plan.plain(site.inputs[0])
    let result = plan.define(site.outputs[0], try .plain(plan.type(site.outputs[0])))
    let count = plan.type(site.inputs[0]).count
    let positions = positions
    plan.emit([lengths, result]) { addresses in
      let (lengths, mask) = (addresses[0].integers, addresses[1].floats)
      return { _ in
        for sequence in 0..<count {
          let length = Int(lengths[sequence])
          for position in 0..<positions {
            mask[sequence * positions + position] = value(position, of: length)
          }
        }
      }
    }
  }
}

extension SequenceMask: ShardwiseLowerable {
  func isShardwise(_ site: PlanBuilder.Site, _ plan: PlanBuilder) -> Bool {
    plan.arePerExample(site.inputs)
  }
}
