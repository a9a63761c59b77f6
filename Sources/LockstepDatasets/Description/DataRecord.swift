import LockstepFiles

/// What a run remembers of its data, and where its examples stand: it is compared when the run is
/// resumed.
package struct DataRecord: Sendable {
  /// What training learned, with both parts' summaries.
  package let description: DataDescription
  private let training: ExamplePlaces
  private let test: ExamplePlaces?
  private let whole: ExamplePlaces?

  /// - Parameter whole: where all examples stand that both parts were cut from; nil where none were cut.
  package init(
    _ description: DataDescription, training: ExamplePlaces, test: ExamplePlaces?,
    whole: ExamplePlaces? = nil
  ) {
    self.description = description
    self.training = training
    self.test = test
    self.whole = whole
  }

  /// How the data differs from what was recorded before, in words; nil where it is the same.
  package func difference(from recorded: DataDescription) -> String? {
    // One value that changes may move the cut, and then both parts have other rows: what changed shows
    // in the whole.
    if let whole, let now = description.whole, let before = recorded.whole,
      now.examples == before.examples,
      let problem = now.difference(from: before, part: "data", places: whole)
    {
      return problem
    }
    if let problem = partDifference(
      description.training, recorded.training, "training part", training)
    {
      return problem
    }
    if let test, description.test != nil || recorded.test != nil {
      if let problem = partDifference(description.test, recorded.test, "test part", test) {
        return problem
      }
    } else if recorded.test != nil {
      return "there is no test part any more"
    }
    if description.input != recorded.input { return "the inputs are described in another way" }
    return description.target == recorded.target
      ? nil : "the target has other classes, or another width"
  }

  private func partDifference(
    _ part: PartSummary?, _ recorded: PartSummary?, _ name: String, _ places: ExamplePlaces
  ) -> String? {
    guard let recorded else { return part == nil ? nil : "there was no \(name) before" }
    return part?.difference(from: recorded, part: name, places: places)
  }
}
