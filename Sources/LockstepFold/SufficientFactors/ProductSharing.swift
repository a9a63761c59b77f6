import LockstepEngine

/// How ranks that see one folded arena share out the products of factors.
package protocol ProductSharing: AnyObject {
  /// Hears that this rank has left a factor of all its examples.
  func ready(_ factor: SufficientFactors.Factor)

  /// Makes what is to be made, this rank's or others', and visits all blocks of this rank's slice that are
  /// products, in order.
  func run(into folded: UnsafeMutablePointer<Float>, _ visit: (Int) throws -> Void) throws

  /// Makes ready for the next step, where this one will not come to ``run(into:_:)``.
  func reset()

  /// How many pieces of other ranks' slices this rank has made.
  var taken: Int { get }
}

/// An exchange that can tell whether it makes gradients of factors.
package protocol SufficientFactorUse: GradientExchange {
  /// Whether gradients of the last batch were made of factors.
  var usesFactors: Bool { get }
  /// How many pieces of other ranks' slices this rank has made so far.
  var piecesTaken: Int { get }
}

extension GradientExchange {
  /// Whether gradients of the last batch were made of factors.
  package var usesSufficientFactors: Bool {
    (self as? any SufficientFactorUse)?.usesFactors ?? false
  }

  /// How many pieces of other ranks' slices this rank has made of factors so far.
  package var piecesTaken: Int { (self as? any SufficientFactorUse)?.piecesTaken ?? 0 }
}
