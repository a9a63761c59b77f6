import LockstepEngine

extension SyntheticData {
  /// The adding problem: sequences of a value and a marker, whose target is the sum of the two values that are
  /// marked.
  ///
  /// Inputs are [length, 2]. Values are uniform in [0, 1]. One marker of 1 stands in the first half of the
  /// sequence, one in the second; all others are 0. Who always answers 1 has a mean squared error of 1/6.
  ///
  /// Example i follows from the seed and i alone, however many there are.
  ///
  /// Source: S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9, 1997, experiment 4; with
  /// the values, lengths and target of M. Arjovsky, A. Shah, Y. Bengio, "Unitary evolution recurrent neural
  /// networks", ICML 2016. The first paper's values are in [−1, 1], and its lengths differ.
  ///
  /// - Throws: ``DatasetError`` where there is no example, or the length is not in 2...2²⁰.
  package static func addingProblem(
    count: Int, length: Int, seed: UInt64
  ) throws(DatasetError) -> Dataset {
    let name = "adding-problem"
    guard (1...1 << 24).contains(count), (2...1 << 20).contains(length),
      count <= (1 << 32) / length
    else {
      throw DatasetError(
        name,
        "expected 1...\(1 << 24) examples of 2...\(1 << 20) steps, at most \(1 << 32) in all; found "
          + "\(count) examples of \(length) steps")
    }
    var inputs: [Float] = []
    var targets: [Float] = []
    inputs.reserveCapacity(2 * count * length)
    for example in 0..<count {
      var random = CounterGenerator(seed: seed, .synthesis, index: UInt32(example))
      let half = length / 2
      let marked = [random.index(below: half), half + random.index(below: length - half)]
      var sum: Float = 0
      for step in 0..<length {
        let value = Float(random.nextUniform())
        let isMarked = marked.contains(step)
        inputs += [value, isMarked ? 1 : 0]
        if isMarked { sum += value }
      }
      targets.append(sum)
    }
    return try Dataset(
      name: name, inputShape: [length, 2], inputs: .floats(inputs),
      labels: .targets(targets, width: 1))
  }
}
