import LockstepFiles

/// Examples that are in memory already, embedded or made up: nothing is fitted on them.
public struct MadeContent: DataContent {
  public var count: Int { dataset.count }
  public var notices: [String] { [] }
  public var name: String { dataset.name }
  private let dataset: Dataset
  private let further: [ArrayDescription.Normalization]

  /// - Parameter further: normalisations of the inputs, where these are arrays.
  public init(_ dataset: Dataset, further: [ArrayDescription.Normalization] = []) {
    self.dataset = dataset
    self.further = further
  }

  public func strata() throws -> [Int] { dataset.strata }

  public func describe(_ rows: [Int]?) throws -> DataDescription {
    let kind: TargetDescription.Kind =
      switch dataset.labels {
      case .classes(_, let count): .classes(ClassNames(count: count))
      case .targets(_, let width): .values(width: width)
      }
    let shape = dataset.inputShape
    switch dataset.inputs {
    case .floats where shape.count == 1 && further.isEmpty:
      return DataDescription(
        input: .columns(
          ColumnsDescription(columns: (0..<shape[0]).map { .init("x\($0 + 1)") })),
        target: TargetDescription(
          column: dataset.classCount == nil ? "y" : "class", kind: kind))
    case .floats:
      return DataDescription(
        input: .array(
          ArrayDescription(
            shape: shape, element: .float32, normalization: .init(mean: [0], deviation: [1]),
            further: further)), target: TargetDescription(kind: kind))
    case .bytes(_, let normalization):
      return DataDescription(
        input: .array(
          ArrayDescription(
            shape: shape, element: .uint8,
            normalization: .init(
              mean: normalization.mean.map { Double($0) },
              deviation: normalization.deviation.map { Double($0) }), further: further)),
        target: TargetDescription(kind: kind))
    }
  }

  public func part(_ rows: [Int]?, as description: DataDescription) throws -> DataPart {
    guard dataset.inputShape == description.inputShape else {
      throw DatasetError(
        name,
        "has inputs of the shape \(dataset.inputShape), and the run was trained on "
          + "\(description.inputShape)")
    }
    let part = try rows.map { rows throws(DatasetError) in try dataset.subset(rows) } ?? dataset
    var normalized = part
    for normalization in further {
      normalized = try normalized.normalized(
        mean: normalization.mean.map { Float($0) },
        deviation: normalization.deviation.map { Float($0) })
    }
    let rows = rows ?? Array(0..<count)
    return DataPart(
      normalized, places: ExamplePlaces(file: dataset.name, rows: rows.map { $0 + 1 }),
      summary: summary(part))
  }

  private func summary(_ part: Dataset) -> PartSummary {
    func fingerprint(_ run: Range<Int>) -> Fingerprint {
      let run = run.lowerBound * part.inputSize..<run.upperBound * part.inputSize
      return switch part.inputs {
      case .bytes(let values, _): Fingerprint(of: Array(values[run]))
      case .floats(let values): Fingerprint(of: Array(values[run]))
      }
    }
    return PartSummary(
      examples: part.count,
      columns: [
        .init("inputs", fingerprint(0..<part.count)), .init("labels", part.labels.fingerprint),
      ]
    ) { run in
      .tree([("", fingerprint(run)), ("", part.labels.fingerprint(run))])
    }
  }
}
