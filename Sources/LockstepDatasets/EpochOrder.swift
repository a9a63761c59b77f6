/// The examples of an epoch, in order.
struct EpochOrder {
  var epoch = -1
  var order: [Int] = []
  /// Where each batch begins, and where the last one ends; nil where all but the last have one size.
  var starts: [Int]?

  func batch(_ index: Int, _ batchSize: Int) -> ArraySlice<Int> {
    if let starts { return order[starts[index]..<starts[index + 1]] }
    return order[index * batchSize..<min((index + 1) * batchSize, order.count)]
  }
}
