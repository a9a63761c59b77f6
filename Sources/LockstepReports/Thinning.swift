extension Array where Element == (x: Double, y: Double) {
  /// The points of a long line without those that nobody would see: of each run of neighbours, the
  /// first, the last, the lowest and the highest. Shorter lines stay as they are.
  ///
  /// - Parameter limit: about how many points to keep.
  func thinned(to limit: Int) -> [Element] {
    guard count > limit else { return self }
    let runs = limit / 4
    return (0..<runs).flatMap { run -> [Element] in
      let range = (count * run / runs)..<(count * (run + 1) / runs)
      guard let lowest = range.min(by: { self[$0].y < self[$1].y }),
        let highest = range.max(by: { self[$0].y < self[$1].y })
      else { return [] }
      let kept = Set([range.lowerBound, lowest, highest, range.upperBound - 1])
      return kept.sorted().map { self[$0] }
    }
  }
}
