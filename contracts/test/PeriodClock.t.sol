// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {KmsTest} from "./base/KmsTest.sol";
import {EscrowState} from "../src/EscrowState.sol";
import {KMSToken} from "../src/KMSToken.sol";
import {MiningRewards} from "../src/MiningRewards.sol";
import {StakingEscrow} from "../src/StakingEscrow.sol";
import {IPeriodClock} from "../src/interfaces/IPeriodClock.sol";

contract PeriodClockTest is KmsTest {
    function test_periodOneStartsAtGenesis() public {
        vm.warp(GENESIS);
        assertEq(escrow.currentPeriod(), 1);
        vm.warp(GENESIS + DAY - 1);
        assertEq(escrow.currentPeriod(), 1);
        vm.warp(GENESIS + DAY);
        assertEq(escrow.currentPeriod(), 2);
    }

    function testFuzz_allContractsAgree(uint256 time) public {
        vm.warp(bound(time, GENESIS, type(uint64).max));
        assertEq(escrow.currentPeriod(), rewards.currentPeriod());
        assertEq(escrow.currentPeriod(), policies.currentPeriod());
        assertEq(rewards.genesisTime(), GENESIS);
        assertEq(policies.periodSeconds(), DAY);
    }

    function test_refusesAPeriodOfNoLength() public {
        EscrowState.Params memory params = _escrowParams();
        params.periodSeconds = 0;
        vm.expectRevert(IPeriodClock.ClockPeriodZero.selector);
        _create("StakingEscrow", abi.encode(params));
    }

    function test_refusesAGenesisInTheFuture() public {
        EscrowState.Params memory params = _escrowParams();
        params.genesisTime = uint64(block.timestamp) + 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IPeriodClock.ClockGenesisInFuture.selector, params.genesisTime, block.timestamp
            )
        );
        _create("StakingEscrow", abi.encode(params));
    }

    /// @dev The counter stands still at its greatest value, and everyone can still leave.
    function test_periodCounterAtItsMaximumBlocksNoExit() public {
        EscrowState.Params memory params = _escrowParams();
        params.genesisTime = 0;
        params.periodSeconds = 1;
        (escrowGenesis, escrowPeriod) = (0, 1);
        address minter = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        token = KMSToken(_create("KMSToken", abi.encode(CAP, INITIAL, treasury, minter)));
        (params.token, params.rewards) = (address(token), minter);
        escrow = StakingEscrow(_create("StakingEscrow", abi.encode(params)));
        rewards = MiningRewards(_create("MiningRewards", abi.encode(_rewardsParams(LEASE, false))));

        vm.warp(uint256(type(uint32).max) - 20);
        (address miner, address worker,) = _miner("last", 2 * MIN_LOCKED, 1_000);
        _confirm(worker, _now() + LEASE);
        vm.prank(miner);
        escrow.unbond(MIN_LOCKED);
        assertEq(escrow.position(miner).releasePeriod, type(uint32).max);

        vm.warp(2 ** 40);
        assertEq(escrow.currentPeriod(), type(uint32).max);
        vm.startPrank(miner);
        rewards.claim(miner);
        escrow.setWindDown(true);
        assertEq(escrow.withdraw(miner), 2 * MIN_LOCKED);
        vm.stopPrank();
        vm.expectRevert();
        _confirm(worker, type(uint32).max);
        rewards.roll();
        assertEq(token.balanceOf(address(escrow)), 0);
    }
}
