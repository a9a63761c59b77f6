/// Transforms of a chain that go over the blocks together, because none of them needs norms of what
/// another one makes.
struct UpdatePass {
  private(set) var transforms: Range<Int>
  /// What is measured before they begin.
  let measurements: Measurements
  /// What works on whole matrices before the blocks are gone over; the first of ``transforms``.
  private(set) var matrices: (any MatrixTransform)?

  /// Whether passes hand an update on that is not the gradient.
  static func leaveUpdates(_ passes: [UpdatePass]) -> Bool {
    passes.dropLast().contains { !$0.transforms.isEmpty }
      || passes.contains { $0.matrices != nil }
  }

  /// Cuts a chain into passes.
  static func passes(
    of transforms: [any InspectedTransform], blockCount: Int, slotBlocks: [Range<Int>]
  ) -> [UpdatePass] {
    func pass(from index: Int, _ measures: [Measure]) -> UpdatePass {
      UpdatePass(
        transforms: index..<index,
        measurements: Measurements(
          measures: measures, blockCount: blockCount, slotBlocks: slotBlocks))
    }
    var passes = [pass(from: 0, [.update(.two)])]
    for (index, transform) in transforms.enumerated() {
      let measures = transform.measures
      let matrices = transform as? any MatrixTransform
      if matrices != nil || !measures.isEmpty && (index > 0 || measures != [.update(.two)]) {
        passes.append(pass(from: index, measures))
      }
      let last = passes.count - 1
      passes[last].matrices = passes[last].matrices ?? matrices
      passes[last].transforms = passes[last].transforms.lowerBound..<index + 1
    }
    return passes
  }
}
